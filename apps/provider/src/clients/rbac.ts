import { addressOf, signMessage } from '@c2d/chain'
import { AppError } from '@c2d/runtime'
import { readText, requestUpstream } from './upstream-request.ts'

/** An asset's service, as a policy server hears of it. */
export interface RbacSubject {
  did: string
  /** Null where the caller named none: to stop a job. */
  serviceId: string | null
}

/** What somebody wants to do. */
export type RbacQuestion =
  | { eventType: 'initialize' | 'access'; consumerAddress: string; subject: RbacSubject }
  | {
      eventType: 'compute'
      consumerAddress: string
      datasets: readonly RbacSubject[]
      /** Empty for raw code. */
      algorithms: readonly RbacSubject[]
      additionalDatasets: readonly RbacSubject[]
      /** The job to stop or to delete; absent at a start. */
      jobId?: string | undefined
    }

/** A server of the operator's that may forbid what the assets' own rules allow (provider-http-api §9.3). */
export interface Rbac {
  /**
   * Asks it.
   * @throws AppError `NotAllowed` where it says no; `UpstreamUnavailable` where it says nothing that can be understood
   */
  assertAllowed(question: RbacQuestion): Promise<void>
}

const ANSWER_LIMIT_BYTES = 64 * 1024
const DENIED = 'The policy server of this provider does not allow this to the address (RBAC).'

/**
 * @param options.url where questions are posted
 * @param options.universalKey signs them (provider-http-api §9.2)
 * @param options.isPrivate whether this provider calls itself private
 * @param options.timeoutMs for one whole answer
 */
export function createRbac(options: {
  url: string
  universalKey: string
  isPrivate: boolean
  timeoutMs: number
}): Rbac {
  const url = new URL(options.url)
  const providerAddress = addressOf(options.universalKey)

  return {
    async assertAllowed(question) {
      const { eventType, consumerAddress } = question
      const credentials = { type: 'address', value: consumerAddress }
      const subjects = subjectsOf(question)
      const signature = signMessage(rbacMessage(question), options.universalKey)
      const access = {
        component: 'provider',
        providerAddress,
        providerAccess: options.isPrivate ? 'private' : 'public',
      }
      const { status, body } = await ask(JSON.stringify({ signature, eventType, ...access, credentials, ...subjects }))
      if (status === 401 || status === 403) throw new AppError('NotAllowed', { detail: DENIED })
      const answer = status >= 200 && status < 300 ? parseJson(body) : undefined
      if (answer === undefined) throw unavailable(new Error(`the policy server answered ${status}`))
      if (!isTruthy(answer)) throw new AppError('NotAllowed', { detail: DENIED })
    },
  }

  async function ask(body: string): Promise<{ status: number; body: string }> {
    try {
      const response = await requestUpstream(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
        timeoutMs: options.timeoutMs,
        signal: AbortSignal.timeout(options.timeoutMs),
      })
      return { status: response.status, body: await readText(response, ANSWER_LIMIT_BYTES) }
    } catch (cause) {
      throw unavailable(cause)
    }
  }
}

/**
 * What is signed: the event, the credentials and, for compute, the assets, each as JSON in Python's spelling
 * (provider-http-api §9.3). A job that is to be stopped or deleted follows by its id: the reference has no such form.
 */
export function rbacMessage(question: RbacQuestion): string {
  const credentials = pythonJson({ type: 'address', value: question.consumerAddress })
  if (question.eventType !== 'compute') return question.eventType + credentials
  const { dids, algos, additionalDids, jobId } = subjectsOf(question) as Record<string, unknown>
  const lists = [dids, algos, ...(additionalDids === undefined ? [] : [additionalDids])].map(pythonJson)
  return [question.eventType, credentials, ...lists, ...(typeof jobId === 'string' ? [jobId] : [])].join('')
}

function subjectsOf(question: RbacQuestion): object {
  if (question.eventType !== 'compute') return { dids: [question.subject] }
  const { datasets, algorithms, additionalDatasets, jobId } = question
  return {
    dids: datasets,
    algos: algorithms,
    ...(additionalDatasets.length > 0 ? { additionalDids: additionalDatasets } : {}),
    ...(jobId === undefined ? {} : { jobId }),
  }
}

/** JSON as Python's `json.dumps` writes it: a blank after commas and colons, nothing but ASCII. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([name, member]) => `${pythonJson(name)}: ${pythonJson(member)}`)
    return `{${members.join(', ')}}`
  }
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** As Python sees it: an empty list, object or text is no consent. */
function isTruthy(value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined // not JSON: no answer
  }
}

function unavailable(cause: unknown): AppError {
  return new AppError('UpstreamUnavailable', { detail: 'The policy server of this provider does not answer.', cause })
}
