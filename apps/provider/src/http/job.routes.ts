import {
  AUTH_TOKEN_HEADER,
  computeResultMessage,
  jobIdSchema,
  oceanJsStopMessage,
  PROVIDER_ENDPOINTS,
} from '@c2d/contracts'
import { notFound, requestInput } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import { Router } from 'express'
import { parseJobs, type JobQuery, type OperatorService, type Relayed } from '../clients/operator-service.ts'
import type { Rbac } from '../clients/rbac.ts'
import type { ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import { buildPublicStatus } from '../domain/compute/public-status.ts'
import { createSharedFlight } from '../domain/sharing/shared-flight.ts'
import { END_FIELDS, RESULT_FIELDS } from './compute-fields.ts'
import { relay } from './compute.routes.ts'
import { assertFields, textOf } from './field-rules.ts'
import { handle } from './handle.ts'
import { assertOwner, parseJobRequest, type JobRequest } from './job-owner.ts'
import { refuseHead } from './refuse-head.ts'
import { streamResult, transferHeaders } from './stream-result.ts'

/** Status, stop, delete and results of jobs (provider-http-api §1.7, ocean-js-client §12). */
export function jobRoutes(deps: { operator: OperatorService | null; auth: ConsumerAuth; rbac: Rbac | null }): Router {
  const { auth } = deps
  const shareStatus = createSharedFlight<Relayed>()
  const router = Router()

  router.get(
    PROVIDER_ENDPOINTS.computeStatus[1],
    handle(async (request, response) => {
      const operator = deps.operator ?? notFound()
      const asked = parseJobRequest(request)
      const { input, query } = asked
      // A signature that is given must fit: a false claim is told, not quietly answered with less. A token proves
      // something only with a nonce: clients that send it with every request get what they would get without it.
      const hasToken = asked.authToken !== undefined && textOf(input, 'nonce') !== undefined
      const isSigned = textOf(input, 'signature') !== undefined || hasToken
      if (isSigned) {
        await assertOwner(asked, auth)
        relay(response, await operator.status(query))
        return
      }
      // Clients poll: those that watch one job at the same moment are answered by one question. Without a job's name
      // each asks for itself, or a job that was just started could be missing from an answer begun before.
      const agreementId = textOf(input, 'agreementId')
      const load = () => loadPublicStatus(operator, query, agreementId)
      const answer =
        query.jobId === undefined
          ? await load()
          : await shareStatus(JSON.stringify([query.owner, query.jobId, query.agreementId, agreementId]), load)
      relay(response, answer)
    }),
  )

  router.put(
    PROVIDER_ENDPOINTS.computeStop[1],
    handle(async (request, response) => {
      const operator = deps.operator ?? notFound()
      const asked = parseJobRequest(request, END_FIELDS)
      await assertMayStop(asked)
      await assertAllowed(asked)
      relay(response, await operator.stop(asked.query))
    }),
  )

  router.delete(
    PROVIDER_ENDPOINTS.computeDelete[1],
    handle(async (request, response) => {
      const operator = deps.operator ?? notFound()
      const asked = parseJobRequest(request, END_FIELDS)
      await assertOwner(asked, auth)
      await assertAllowed(asked)
      relay(response, await operator.remove(asked.query))
    }),
  )

  router.get(
    PROVIDER_ENDPOINTS.computeResult[1],
    handle(async (request, response) => {
      const operator = deps.operator ?? notFound()
      const input = requestInput(request)
      assertFields(input, RESULT_FIELDS)
      refuseHead(request)
      const asked = {
        consumerAddress: textOf(input, 'consumerAddress') ?? '',
        jobId: textOf(input, 'jobId') ?? '',
        index: textOf(input, 'index') ?? '',
      }
      await auth.assertSigned({
        address: asked.consumerAddress,
        signature: textOf(input, 'signature'),
        prefix: computeResultMessage({ ...asked, nonce: '' }),
        nonce: textOf(input, 'nonce') ?? '',
        authToken: request.get(AUTH_TOKEN_HEADER),
      })
      const query = {
        owner: asked.consumerAddress,
        jobId: asked.jobId,
        index: asked.index,
        headers: transferHeaders(request),
      }
      await streamResult(response, (signal) => operator.openResult(query, signal))
    }),
  )
  return router

  /** What anybody may know of the jobs that a request names. */
  async function loadPublicStatus(
    operator: OperatorService,
    query: JobQuery,
    agreementId: string | undefined,
  ): Promise<Relayed> {
    const answer = await operator.status(query)
    if (answer.status !== 200) return answer
    const jobs = parseJobs(answer.body)
    if (!jobs) throw new AppError('UpstreamUnavailable')
    const named = { owner: query.owner, agreementId }
    return { ...answer, body: JSON.stringify(jobs.map((job) => buildPublicStatus(job, named))) }
  }

  async function assertAllowed({ input, query: { owner, jobId } }: JobRequest): Promise<void> {
    const did = textOf(input, 'documentId')
    const datasets = did === undefined ? [] : [{ did, serviceId: null }]
    const question = { consumerAddress: owner, datasets, algorithms: [], additionalDatasets: [], jobId }
    await deps.rbac?.assertAllowed({ eventType: 'compute', ...question })
  }

  /**
   * Either message does; keys come first, because contracts are asked on their chains.
   * @throws AppError as `assertOwner` does
   */
  async function assertMayStop(asked: JobRequest): Promise<void> {
    const { owner, jobId } = asked.query
    const signature = textOf(asked.input, 'signature')
    const message = oceanJsStop(owner, jobId)
    if (message !== null && auth.isSignedByKey(owner, message, signature)) return
    try {
      await assertOwner(asked, auth)
    } catch (thrown) {
      const isAnotherText = thrown instanceof AppError && ['InvalidSignature', 'ValidationFailed'].includes(thrown.code)
      if (!isAnotherText || message === null || !(await auth.isSignedBy(owner, message, signature))) throw thrown
    }
  }
}

/**
 * What ocean.js since 3.3.3 signs to stop a job: no nonce and no DID. It can be replayed, but only ever stops this one
 * job; the nonce sent beside it is not signed, so it is not spent either. Only a real job id passes, or the texts of
 * other messages would fit here.
 */
function oceanJsStop(consumerAddress: string, jobId: string | undefined): string | null {
  const parsed = jobIdSchema.safeParse(jobId)
  return parsed.success ? oceanJsStopMessage({ consumerAddress, jobId: parsed.data }) : null
}
