import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createChainClient } from '@c2d/chain'
import type { ProofStatement } from '@c2d/contracts'
import { checkOrder, verifyProof } from '@c2d/proof'
import type { Signer } from 'ethers-v5'
import type { OceanClient } from './ocean-js.ts'
import type { FinishedJob } from './run-job.ts'
import { fetchSigned, type JobOfConsumer } from './signed-requests.ts'

const WAIT_MS = 60_000
const POLL_MS = 50

/** Where the proof and what it speaks of are found. */
export interface ProofOptions {
  readonly chainId: number
  readonly rpcUrl: string
  readonly providerUrl: string
  readonly consumer: Signer
  readonly downloadsFolder: string
}

/**
 * Fetches the proof of a job and believes nothing of it: signature, downloaded files, orders on chain. Gives what was
 * found, for the reader. Throws where anything does not hold.
 */
export async function checkProof(
  options: ProofOptions,
  { job, results }: FinishedJob,
  deps: { readonly client: OceanClient },
): Promise<string> {
  const { jobId } = job
  const proof = await waitForProof({ ...options, jobId }, deps.client)
  const path = join(options.downloadsFolder, jobId, 'proof.json')
  await writeFile(path, JSON.stringify(proof, null, 2))

  const { checks, statement } = verifyProof(proof)
  const failed = checks.find(({ passed }) => !passed)
  if (failed || !statement) throw new Error(`the proof does not hold: ${failed?.finding}`)
  for (const { fileName, content } of results) assertProven(statement, fileName, content)

  const { orders, environment } = statement.predicate
  const chain = createChainClient({ chainId: options.chainId, rpcUrl: options.rpcUrl })
  try {
    const parties = { environment, consumer: statement.predicate.job.consumer }
    for (const order of orders) {
      const { passed, findings } = await checkOrder(order, parties, chain)
      if (!passed) throw new Error(`the proof names a wrong order: ${findings.join('; ')}`)
    }
  } finally {
    chain.close()
  }
  return `holds: signature, ${results.length} files, ${orders.length} orders on chain\nwritten to ${path}`
}

/** A proof is signed just after the end of its job, which never waits for it. */
async function waitForProof(asked: JobOfConsumer, client: OceanClient): Promise<unknown> {
  const giveUpAtMs = Date.now() + WAIT_MS
  for (;;) {
    const response = await fetchSigned('computeProof', asked, client)
    if (response.ok) return response.json()
    const words = await response.text()
    if (response.status !== 404 || Date.now() > giveUpAtMs) {
      throw new Error(`there is no proof (${response.status}): ${words}`)
    }
    await sleep(POLL_MS)
  }
}

function assertProven(statement: ProofStatement, fileName: string, content: Buffer): void {
  const sha256 = createHash('sha256').update(content).digest('hex')
  if (!statement.subject.some(({ digest }) => digest.sha256 === sha256)) {
    throw new Error(`the proof does not vouch for ${fileName} as it was downloaded`)
  }
}
