import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { addressOf, signMessage } from '@c2d/chain'
import {
  environmentListSchema,
  fileSaltListSchema,
  JOB_STATUS,
  jobStatusAnswerListSchema,
  OPERATOR_BASE_PATH,
  operatorMessage,
  proofEnvelopeSchema,
  RESULT_TOKEN_HEADER,
  type Environment,
  type FileSalt,
  type JobStatusAnswer,
  type ProofEnvelope,
  type Workflow,
} from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { OpenResult } from '@c2d/storage'
import { z } from 'zod'
import { openTransfer } from './open-transfer.ts'
import { createOperatorNonce } from './operator-nonce.ts'
import { readText, requestUpstream } from './upstream-request.ts'

/** An answer of operator-service, relayed as it is. */
export interface Relayed {
  status: number
  contentType: string
  body: string
}

/** Which jobs a request is about. */
export interface JobQuery {
  owner: string
  jobId?: string | undefined
  agreementId?: string | undefined
}

/** A job to start (provider-http-api §8.2), before it is signed. */
interface JobStart {
  workflow: Workflow
  agreementId: string
  owner: string
  environment: string
  /** Epoch seconds; 0 is no limit. */
  validUntil: number
  chainId: number
}

/** What of a running job can be followed. */
export type JobStream = 'events' | 'logs'

/** The operator's door, as a provider knocks on it: every request signed with the universal key (§8.1). */
export interface OperatorService {
  /** @throws AppError `UpstreamUnavailable` with the reference's text when they cannot be had */
  environments(chainId: number): Promise<Environment[]>
  start(job: JobStart): Promise<Relayed>
  status(query: JobQuery): Promise<Relayed>
  stop(query: JobQuery): Promise<Relayed>
  remove(query: JobQuery): Promise<Relayed>
  /** One job whoever owns it, or null when there is none. */
  findJob(jobId: string): Promise<JobStatusAnswer | null>
  /** What was signed of a job that ended, whoever owns it, or null where there is nothing (yet). */
  findProof(jobId: string): Promise<ProofEnvelope | null>
  /** The salts beside a proof, by dataset; none where no owner asked for salted hashes. */
  findSalts(jobId: string): Promise<FileSalt[]>
  /** How many unfinished jobs of each environment have not begun yet. */
  waitingByEnvironment(): Promise<Map<string, number>>
  /**
   * Opens one result; the caller reads or destroys the body.
   * @param query.headers the conditions and the range of the caller's request
   */
  openResult(
    query: { owner: string; jobId: string; index: string; headers: Record<string, string> },
    signal: AbortSignal,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Readable }>
  /** Opens a result that became a file of an asset; the caller reads or destroys the body. */
  openPublished: OpenResult
  /** Follows a job as long as it goes on; the caller reads or destroys the body. */
  openStream(
    what: JobStream,
    query: { owner: string; jobId: string; until?: string | undefined; headers: Record<string, string> },
    signal: AbortSignal,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Readable }>
}

const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024

/**
 * @param options.url base address of operator-service
 * @param options.universalKey signs what we ask (provider-http-api §9.2)
 * @param options.timeoutMs how long it may say nothing
 */
export function createOperatorService(options: {
  url: string
  universalKey: string
  timeoutMs: number
}): OperatorService {
  const base = options.url.replace(/\/+$/, '') + OPERATOR_BASE_PATH
  const providerAddress = addressOf(options.universalKey)
  const nextNonce = createOperatorNonce()

  const sign = (owner: string, jobId: string | undefined): { nonce: string; providerSignature: string } => {
    const nonce = nextNonce()
    return { nonce, providerSignature: signMessage(operatorMessage({ owner, jobId, nonce }), options.universalKey) }
  }

  const addressed = (path: string, query: Record<string, string | undefined>): URL => {
    const url = new URL(base + path)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
    return url
  }

  async function ask(method: string, url: URL, body?: string): Promise<Relayed> {
    const response = await requestUpstream(url, {
      method,
      headers: { 'Content-Type': 'application/json' },
      timeoutMs: options.timeoutMs,
      signal: AbortSignal.timeout(options.timeoutMs),
      ...(body === undefined ? {} : { body }),
    })
    const contentType = response.headers['content-type'] ?? 'application/json'
    return { status: response.status, contentType, body: await readText(response, ANSWER_LIMIT_BYTES) }
  }

  const askAboutJobs = (method: string, { owner, jobId, agreementId }: JobQuery): Promise<Relayed> =>
    ask(method, addressed('/compute', { providerAddress, owner, jobId, agreementId, ...sign(owner, jobId) }))

  return {
    async environments(chainId) {
      const unavailable = (cause: unknown): AppError =>
        new AppError('UpstreamUnavailable', {
          detail: `Compute envs could not be retrieved for chainId ${chainId}, check configuration.`,
          cause,
        })
      try {
        const answer = await ask('GET', addressed('/environments', { chainId: String(chainId) }))
        if (answer.status !== 200) throw new Error(`operator-service answered ${answer.status}`)
        return environmentListSchema.parse(JSON.parse(answer.body))
      } catch (cause) {
        throw unavailable(cause)
      }
    },
    start(job) {
      const { nonce, providerSignature } = sign(job.owner, undefined)
      const members = JSON.stringify({ ...job, providerAddress, providerSignature })
      // The nonce goes as a number literal, as the reference sends it; a double could not hold it.
      return ask('POST', addressed('/compute', {}), `${members.slice(0, -1)},"nonce":${nonce}}`)
    },
    status: (query) => askAboutJobs('GET', query),
    stop: (query) => askAboutJobs('PUT', query),
    remove: (query) => askAboutJobs('DELETE', query),
    async findJob(jobId) {
      const answer = await askAboutJobs('GET', { owner: '', jobId })
      const jobs = answer.status === 200 ? parseJobs(answer.body) : null
      if (!jobs) throw new AppError('UpstreamUnavailable', { cause: new Error(`status answered ${answer.status}`) })
      return jobs.find((job) => job.jobId === jobId) ?? null
    },
    async findProof(jobId) {
      const path = `/jobs/${encodeURIComponent(jobId)}/proof`
      const answer = await ask('GET', addressed(path, { providerAddress, ...sign('', jobId) }))
      if (answer.status === 404) return null
      const proof = answer.status === 200 ? proofEnvelopeSchema.safeParse(parseJson(answer.body)).data : undefined
      if (!proof) throw new AppError('UpstreamUnavailable', { cause: new Error(`proof answered ${answer.status}`) })
      return proof
    },
    async findSalts(jobId) {
      const path = `/jobs/${encodeURIComponent(jobId)}/salts`
      const answer = await ask('GET', addressed(path, { providerAddress, ...sign('', jobId) }))
      if (answer.status === 404) return []
      const salts = answer.status === 200 ? fileSaltListSchema.safeParse(parseJson(answer.body)).data : undefined
      if (!salts) throw new AppError('UpstreamUnavailable', { cause: new Error(`salts answered ${answer.status}`) })
      return salts
    },
    async waitingByEnvironment() {
      // Unsigned: this much is told to anybody, and needs no nonce.
      const answer = await ask('GET', addressed('/runningjobs', {}))
      const jobs = answer.status === 200 ? parseRunningJobs(answer.body) : null
      if (!jobs) throw new AppError('UpstreamUnavailable', { cause: new Error(`jobs answered ${answer.status}`) })
      const waiting = new Map<string, number>()
      for (const { namespace, status } of jobs) {
        if (status === JOB_STATUS.warmingUp.code) waiting.set(namespace, (waiting.get(namespace) ?? 0) + 1)
      }
      return waiting
    },
    openResult({ owner, jobId, index, headers }, signal) {
      return openTransfer(addressed('/getResult', { index, owner, jobId, providerAddress, ...sign(owner, jobId) }), {
        headers,
        timeoutMs: options.timeoutMs,
        signal,
      })
    },
    async openPublished({ jobId, index, token }, { headers, signal }) {
      const path = `/jobs/${encodeURIComponent(jobId)}/published`
      const answer = await requestUpstream(
        addressed(path, { index: String(index), providerAddress, ...sign('', jobId) }),
        {
          method: 'GET',
          headers: { ...headers, [RESULT_TOKEN_HEADER]: token },
          timeoutMs: options.timeoutMs,
          isTransfer: true,
          signal,
        },
      )
      const get = (name: string): string | null => {
        const value = answer.headers[name]
        return typeof value === 'string' ? value : null
      }
      return { status: answer.status, headers: { get }, body: answer.body }
    },
    openStream(what, { owner, jobId, until, headers }, signal) {
      const path = `/jobs/${encodeURIComponent(jobId)}/${what}`
      return requestUpstream(addressed(path, { owner, providerAddress, until, ...sign(owner, jobId) }), {
        method: 'GET',
        headers,
        timeoutMs: options.timeoutMs,
        isLive: true,
        signal,
      })
    },
  }
}

/** Reads a status answer; null where it is none. */
export function parseJobs(body: string): JobStatusAnswer[] | null {
  return jobStatusAnswerListSchema.safeParse(parseJson(body)).data ?? null
}

const runningJobListSchema = z.array(z.object({ namespace: z.string(), status: z.number() }))

function parseRunningJobs(body: string): z.infer<typeof runningJobListSchema> | null {
  return runningJobListSchema.safeParse(parseJson(body)).data ?? null
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined // not JSON: no schema takes it
  }
}
