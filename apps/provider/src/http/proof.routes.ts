import { isSameAddress, jobIdSchema, PROVIDER_ENDPOINTS, type ProofEnvelope } from '@c2d/contracts'
import { notFound } from '@c2d/http-kit'
import { verifyProof } from '@c2d/proof'
import { AppError } from '@c2d/runtime'
import { Router } from 'express'
import type { OperatorService } from '../clients/operator-service.ts'
import type { ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import type { ProviderChains } from '../domain/chains/provider-chain.ts'
import { STREAM_FIELDS } from './compute-fields.ts'
import { textOf } from './field-rules.ts'
import { handle } from './handle.ts'
import { assertOwner, parseJobRequest } from './job-owner.ts'
import { refuseHead } from './refuse-head.ts'

/**
 * `GET /compute/proof`: what the operator signed of a job (docs/proof.md). For its consumer, and for whoever owns the
 * NFT of one of its datasets now; they sign as for a status. Everybody else learns what they learn of no job at all.
 */
export function proofRoutes(deps: {
  operator: OperatorService | null
  auth: ConsumerAuth
  chains: ProviderChains
}): Router {
  const router = Router()
  router.get(
    PROVIDER_ENDPOINTS.computeProof[1],
    handle(async (request, response) => {
      const operator = deps.operator ?? notFound()
      const asked = parseJobRequest(request, STREAM_FIELDS)
      refuseHead(request)
      const jobId = jobIdSchema.safeParse(textOf(asked.input, 'jobId'))
      if (!jobId.success)
        throw new AppError('ValidationFailed', { fields: { jobId: ['The jobId format is invalid.'] } })
      await assertOwner(asked, deps.auth)
      const proof = await operator.findProof(jobId.data)
      if (!proof || !(await mayRead(asked.query.owner, proof, deps.chains))) {
        throw new AppError('NotFound', {
          detail: `There is no proof of job ${jobId.data} for this address, or not yet.`,
        })
      }
      response.setHeader('Content-Disposition', `attachment; filename="proof-${jobId.data}.json"`)
      response.json(proof)
    }),
  )
  return router
}

async function mayRead(reader: string, proof: ProofEnvelope, chains: ProviderChains): Promise<boolean> {
  const { statement } = verifyProof(proof)
  if (!statement) {
    throw new AppError('UpstreamUnavailable', { cause: new Error('the operator gave a proof that does not hold') })
  }
  const { job, orders, datasets } = statement.predicate
  if (isSameAddress(job.consumer, reader)) return true
  const chain = chains.get(job.chainId ?? 0)
  if (!chain) return false
  const nfts = new Set(orders.flatMap(({ did, nft }) => (datasets.some((dataset) => dataset.did === did) ? [nft] : [])))
  const owners = await Promise.all([...nfts].map((nft) => chain.client.nftOwner(nft)))
  return owners.some((owner) => owner !== null && isSameAddress(owner, reader))
}
