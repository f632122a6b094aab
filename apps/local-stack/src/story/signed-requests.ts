import { computeJobMessage, jobStatusAnswerListSchema, PROVIDER_ENDPOINTS, type JobStatusAnswer } from '@c2d/contracts'
import type { Signer } from 'ethers-v5'
import type { OceanClient } from './ocean-js.ts'

/** Whose job is asked about, and where. */
export interface JobOfConsumer {
  readonly providerUrl: string
  readonly consumer: Signer
  readonly jobId: string
}

/** The status with what only the job's owner sees: reason, exit code, timeline. ocean.js does not sign this request. */
export async function loadSignedStatus(asked: JobOfConsumer, client: OceanClient): Promise<JobStatusAnswer> {
  const response = await fetchSigned('computeStatus', asked, client)
  if (!response.ok) throw new Error(`the signed status is refused (${response.status}): ${await response.text()}`)
  const [job] = jobStatusAnswerListSchema.parse(await response.json())
  if (!job) throw new Error(`the provider knows no job ${asked.jobId}`)
  return job
}

/** What only the owner of a job may ask. */
type SignedEndpoint = 'computeStatus' | 'computeProof' | 'computeLogs'

/**
 * Asks what only those may who sign for a job; ocean.js has no call for it. What is signed has no separators: by chance it
 * is the text of an earlier request, which counts once; the next nonce makes another text.
 */
export async function fetchSigned(
  endpoint: SignedEndpoint,
  asked: JobOfConsumer,
  client: OceanClient,
): Promise<Response> {
  const first = await fetchOnce(endpoint, asked, client)
  return first.status === 400 ? fetchOnce(endpoint, asked, client) : first
}

async function fetchOnce(
  endpoint: SignedEndpoint,
  { providerUrl, consumer, jobId }: JobOfConsumer,
  { ocean }: OceanClient,
): Promise<Response> {
  const consumerAddress = await consumer.getAddress()
  const nonce = String((await ocean.ProviderInstance.getNonce(providerUrl, consumerAddress)) + 1)
  const message = computeJobMessage({ consumerAddress, jobId, nonce })
  const signature = await ocean.ProviderInstance.signProviderRequest(consumer, message)
  const query = new URLSearchParams({ consumerAddress, jobId, nonce, signature })
  return fetch(`${providerUrl}${PROVIDER_ENDPOINTS[endpoint][1]}?${query.toString()}`)
}
