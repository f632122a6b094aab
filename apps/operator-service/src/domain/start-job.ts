import { randomUUID } from 'node:crypto'
import type { StoredWorkflow, Workflow } from '@c2d/contracts'
import {
  agreementInUse,
  findJobOfRequest,
  insertJob,
  isAgreementInUse,
  isChainAccepted,
  loadEnvironment,
  type JobNotifier,
} from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'
import { hashRequest, parseStartEnvelope, parseWorkflow, type StartEnvelope } from './parse-start-request.ts'
import type { ProviderAuth } from './provider-auth.ts'

export interface StartJobDeps {
  db: Database
  auth: ProviderAuth
  notifier: JobNotifier
  /** Seconds after which an environment that says nothing takes no jobs. */
  environmentMaxAgeSeconds: number
}

/**
 * Queues a job (operator-service-api §3), in the reference's order of checks. A byte-identical request gives the job
 * that it started the first time, so that a provider may repeat one whose answer was lost.
 * @returns the id of the job
 * @throws AppError as the reference answers
 */
export async function startJob(input: Record<string, unknown>, deps: StartJobDeps): Promise<string> {
  const request = parseStartEnvelope(input)
  const requestKey = hashRequest(input)
  const first = await findJobOfRequest(deps.db, requestKey)
  if (first === null) {
    if (await isAgreementInUse(deps.db, request.agreementId)) {
      // A twin of this very request may have been queued since we looked.
      return repeatedJob(request, requestKey, agreementInUse(), deps)
    }
    await assertEnvironment(request, deps)
  }
  const provider = deps.auth.recoverProvider(request)
  if (first !== null) return first
  try {
    const { jobId, created } = await deps.db.transaction(async (transaction) => {
      // One transaction: a twin of this request waits here for our commit, and then finds our job.
      await deps.auth.spendNonce(transaction, provider, request.nonce, '')
      return queue(request, parseWorkflow(input['workflow']), { provider, requestKey }, transaction)
    })
    if (created) deps.notifier.notify()
    return jobId
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'StaleNonce') throw error
    return repeatedJob(request, requestKey, error, deps)
  }
}

async function repeatedJob(
  request: StartEnvelope,
  requestKey: string,
  otherwise: AppError,
  deps: StartJobDeps,
): Promise<string> {
  const jobId = await findJobOfRequest(deps.db, requestKey)
  if (jobId === null) throw otherwise
  deps.auth.recoverProvider(request)
  return jobId
}

async function assertEnvironment(request: StartEnvelope, deps: StartJobDeps): Promise<void> {
  const environment = await loadEnvironment(deps.db, {
    id: request.environment,
    maxAgeSeconds: deps.environmentMaxAgeSeconds,
  })
  if (environment === null || !isChainAccepted(environment, request.chainId ?? null)) {
    throw new AppError('EnvironmentNotFound', { legacy: 'Environment invalid or does not exist' })
  }
}

async function queue(
  request: StartEnvelope,
  workflow: Workflow,
  signed: { provider: string; requestKey: string },
  db: Database,
): Promise<{ jobId: string; created: boolean }> {
  const jobId = newHexId()
  return insertJob(db, {
    jobId,
    agreementId: request.agreementId,
    owner: request.owner,
    environment: request.environment,
    workflow: wrapWorkflow(jobId, request.environment, workflow),
    chainId: request.chainId ?? null,
    validUntil: request.validUntil || null, // 0 is no limit of its own
    ...signed,
  })
}

/** The document that both generations of engines read (operator-service-api §3.3). */
function wrapWorkflow(jobId: string, environment: string, workflow: Workflow): StoredWorkflow {
  return {
    apiVersion: 'v0.0.1',
    kind: 'WorkFlow',
    metadata: { name: jobId, namespace: environment, labels: { workflow: jobId }, secret: newHexId() },
    spec: { metadata: { stages: workflow.stages } },
  }
}

function newHexId(): string {
  return randomUUID().replaceAll('-', '')
}
