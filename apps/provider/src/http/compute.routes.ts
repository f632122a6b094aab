import { AUTH_TOKEN_HEADER, computeDatasetSchema, computeStartMessage, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { notFound, requestInput } from '@c2d/http-kit'
import { Router, type Response } from 'express'
import type { OperatorService, Relayed } from '../clients/operator-service.ts'
import type { Rbac, RbacSubject } from '../clients/rbac.ts'
import type { ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import type { ProviderChains } from '../domain/chains/provider-chain.ts'
import { quoteCompute } from '../domain/compute/quote-compute.ts'
import { startCompute, type ComputeDeps } from '../domain/compute/start-compute.ts'
import { QUOTE_FIELDS, START_FIELDS } from './compute-fields.ts'
import { parseAlgorithm, parseMember } from './compute-input.ts'
import { assertFields, textOf, valueOf } from './field-rules.ts'
import { handle } from './handle.ts'

/** What the compute routes need; without an operator all but quotes answer 404, as in the reference (§1.5). */
export interface ComputeRouteDeps extends Omit<ComputeDeps, 'operator'> {
  operator: OperatorService | null
  chains: ProviderChains
  auth: ConsumerAuth
  rbac: Rbac | null
}

/** Environments, quotes and the start of a job (provider-http-api §1.7). */
export function computeRoutes(deps: ComputeRouteDeps): Router {
  const router = Router()

  router.get(
    PROVIDER_ENDPOINTS.computeEnvironments[1],
    handle(async (_request, response) => {
      const operator = deps.operator ?? notFound()
      const answers = await Promise.all(
        [...deps.chains.values()].map(async (chain) => {
          const environments = await operator.environments(chain.chainId)
          return [String(chain.chainId), environments.map((one) => ({ ...one, feeToken: chain.feeToken }))] as const
        }),
      )
      response.json(Object.fromEntries(answers))
    }),
  )

  router.post(
    PROVIDER_ENDPOINTS.initializeCompute[1],
    handle(async (request, response) => {
      const input = requestInput(request)
      assertFields(input, QUOTE_FIELDS)
      const quotes = await quoteCompute(
        {
          consumerAddress: textOf(input, 'consumerAddress') ?? '',
          environment: textOf(input, 'compute.env') ?? '',
          validUntil: Number(textOf(input, 'compute.validUntil')),
          datasets: parseMember(input, 'datasets', computeDatasetSchema.array()),
          algorithm: parseAlgorithm(input),
          output: valueOf(input, 'output'),
        },
        { ...deps, chains: deps.chains.values() },
      )
      response.json(quotes)
    }),
  )

  router.post(
    PROVIDER_ENDPOINTS.computeStart[1],
    handle(async (request, response) => {
      const operator = deps.operator ?? notFound()
      const input = requestInput(request)
      assertFields(input, START_FIELDS)
      const dataset = parseMember(input, 'dataset', computeDatasetSchema)
      const algorithm = parseAlgorithm(input)
      const consumerAddress = textOf(input, 'consumerAddress') ?? ''
      const signature = textOf(input, 'signature')
      const nonce = textOf(input, 'nonce') ?? ''
      const authToken = request.get(AUTH_TOKEN_HEADER)
      const prefix = computeStartMessage({ consumerAddress, documentId: dataset.documentId ?? '', nonce: '' })
      await deps.auth.assertSigned({ address: consumerAddress, signature, prefix, nonce, authToken })
      const additionalDatasets = valueOf(input, 'additionalDatasets')
      await deps.rbac?.assertAllowed({
        eventType: 'compute',
        consumerAddress,
        datasets: subjectsOf([dataset]),
        algorithms: subjectsOf([algorithm]),
        additionalDatasets: subjectsOf(Array.isArray(additionalDatasets) ? additionalDatasets : []),
      })
      const started = await startCompute(
        {
          consumerAddress,
          environment: textOf(input, 'environment') ?? '',
          dataset,
          additionalDatasets,
          algorithm,
          output: valueOf(input, 'output'),
          ...(signature && authToken === undefined ? { consent: { text: prefix + nonce, signature } } : {}),
        },
        { ...deps, operator },
      )
      relay(response, started)
    }),
  )
  return router
}

/** The named assets among these; raw code and what is malformed have no name. */
function subjectsOf(items: readonly unknown[]): RbacSubject[] {
  return items.flatMap((item) => {
    const named = computeDatasetSchema.safeParse(item)
    const did = named.success ? named.data.documentId : undefined
    return did ? [{ did, serviceId: named.data?.serviceId ?? null }] : []
  })
}

/** Passes an answer of operator-service on, byte for byte. */
export function relay(response: Response, answer: Relayed): void {
  response.status(answer.status).setHeader('Content-Type', answer.contentType)
  response.send(Buffer.from(answer.body))
}
