import {
  AUTH_TOKEN_HEADER,
  computeJobMessage,
  computeResultMessage,
  jobIdSchema,
  oceanJsStopMessage,
  PROVIDER_ENDPOINTS,
} from '@c2d/contracts'
import { notFound, requestInput } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import { Router, type Request } from 'express'
import { parseJobs, type JobQuery, type OperatorService } from '../clients/operator-service.ts'
import type { Rbac } from '../clients/rbac.ts'
import type { ConsumerAuth } from '../domain/consumer-auth.ts'
import { buildPublicStatus } from '../domain/public-status.ts'
import { JOB_FIELDS, RESULT_FIELDS } from './compute-fields.ts'
import { relay } from './compute.routes.ts'
import { assertFields, textOf, type Input } from './field-rules.ts'
import { handle } from './handle.ts'
import { refuseHead } from './refuse-head.ts'
import { streamResult } from './stream-result.ts'

/** Status, stop, delete and results of jobs (provider-http-api §1.7, ocean-js-client §12). */
export function jobRoutes(deps: { operator: OperatorService | null; auth: ConsumerAuth; rbac: Rbac | null }): Router {
  const { auth } = deps
  const router = Router()

  router.get(
    PROVIDER_ENDPOINTS.computeStatus[1],
    handle(async (request, response) => {
      const operator = deps.operator ?? notFound()
      const input = checkedInput(request)
      const query = jobQuery(input)
      // A signature that is given must fit: a false claim is told, not quietly answered with less. A token proves
      // something only with a nonce: clients that send it with every request get what they would get without it.
      const hasToken = authToken(request) !== undefined && textOf(input, 'nonce') !== undefined
      const isSigned = textOf(input, 'signature') !== undefined || hasToken
      if (isSigned) await assertOwner(request, input, query)
      const answer = await operator.status(query)
      const jobs = isSigned || answer.status !== 200 ? null : parseJobs(answer.body)
      if (isSigned || answer.status !== 200) relay(response, answer)
      else if (jobs) {
        const named = { owner: query.owner, agreementId: textOf(input, 'agreementId') }
        response.json(jobs.map((job) => buildPublicStatus(job, named)))
      } else throw new AppError('UpstreamUnavailable')
    }),
  )

  router.put(
    PROVIDER_ENDPOINTS.computeStop[1],
    handle(async (request, response) => {
      const operator = deps.operator ?? notFound()
      const input = checkedInput(request)
      const query = jobQuery(input)
      if (!isOceanJsStop(input, query)) await assertOwner(request, input, query)
      await assertAllowed(input, query)
      relay(response, await operator.stop(query))
    }),
  )

  router.delete(
    PROVIDER_ENDPOINTS.computeDelete[1],
    handle(async (request, response) => {
      const operator = deps.operator ?? notFound()
      const input = checkedInput(request)
      const query = jobQuery(input)
      await assertOwner(request, input, query)
      await assertAllowed(input, query)
      relay(response, await operator.remove(query))
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
        authToken: authToken(request),
      })
      const query = {
        owner: asked.consumerAddress,
        jobId: asked.jobId,
        index: asked.index,
        range: request.get('range'),
      }
      await streamResult(response, (signal) => operator.openResult(query, signal))
    }),
  )
  return router

  /**
   * The caller owns the jobs it names: consumer, job, DID and nonce are signed. Where no nonce was sent, it is the one
   * the client must have used.
   */
  async function assertOwner(request: Request, input: Input, query: JobQuery): Promise<void> {
    const sent = textOf(input, 'nonce')
    const nonce = sent ?? (await auth.impliedNonce(query.owner))
    const prefix = computeJobMessage({
      consumerAddress: query.owner,
      jobId: query.jobId,
      documentId: textOf(input, 'documentId'),
      nonce: '',
    })
    const signature = textOf(input, 'signature')
    if (sent === undefined && !auth.isSignedBy(query.owner, prefix + nonce, signature)) {
      throw new AppError('ValidationFailed', { fields: { nonce: ['The nonce field is required.'] } })
    }
    await auth.assertSigned({ address: query.owner, signature, prefix, nonce, authToken: authToken(request) })
  }

  async function assertAllowed(input: Input, { owner, jobId }: JobQuery): Promise<void> {
    const did = textOf(input, 'documentId')
    const datasets = did === undefined ? [] : [{ did, serviceId: null }]
    const question = { consumerAddress: owner, datasets, algorithms: [], additionalDatasets: [], jobId }
    await deps.rbac?.assertAllowed({ eventType: 'compute', ...question })
  }

  /**
   * What ocean.js since 3.3.3 signs to stop a job: no nonce and no DID. It can be replayed, but only ever stops this one
   * job; the nonce sent beside it is not signed, so it is not spent either. Only a real job id passes, or the texts of
   * other messages would fit here.
   */
  function isOceanJsStop(input: Input, query: JobQuery): boolean {
    const jobId = jobIdSchema.safeParse(query.jobId)
    return (
      jobId.success &&
      auth.isSignedBy(
        query.owner,
        oceanJsStopMessage({ consumerAddress: query.owner, jobId: jobId.data }),
        textOf(input, 'signature'),
      )
    )
  }
}

function authToken(request: Request): string | undefined {
  return request.get(AUTH_TOKEN_HEADER)
}

function checkedInput(request: Request): Input {
  const input = requestInput(request)
  assertFields(input, JOB_FIELDS)
  return input
}

/**
 * Which jobs are meant: the job id decides. An agreement counts only without one, and only if it is a transaction hash:
 * clients also send DIDs there, and hashes without 0x (ocean-js-client §4).
 */
function jobQuery(input: Input): JobQuery {
  const owner = textOf(input, 'consumerAddress') ?? ''
  const jobId = textOf(input, 'jobId')
  if (jobId !== undefined) return { owner, jobId }
  const hash = /^(?:0x)?([0-9a-f]{64})$/i.exec(textOf(input, 'agreementId') ?? '')?.[1]
  return { owner, ...(hash ? { agreementId: `0x${hash.toLowerCase()}` } : {}) }
}
