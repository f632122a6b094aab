import { isSameAddress, jobIdSchema, PROVIDER_ENDPOINTS, type OwnedProof, type ProofStatement } from '@c2d/contracts'
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
 * Owners of datasets whose file hashes are salted get the salts of theirs beside it, and of no other.
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
      const proof = await loadProofFor(asked.query.owner, jobId.data, operator, deps.chains)
      if (!proof) {
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

/** The proof as a reader may have it; null where there is none for them. */
async function loadProofFor(
  reader: string,
  jobId: string,
  operator: OperatorService,
  chains: ProviderChains,
): Promise<OwnedProof | null> {
  const proof = await operator.findProof(jobId)
  if (!proof) return null
  const { statement } = verifyProof(proof)
  if (!statement) {
    throw new AppError('UpstreamUnavailable', { cause: new Error('the operator gave a proof that does not hold') })
  }
  const { job, datasets } = statement.predicate
  const isConsumer = isSameAddress(job.consumer, reader)
  const salted = new Set(datasets.flatMap(({ did, files }) => (did !== null && files.some(isSalted) ? [did] : [])))
  const owned = await listOwned(reader, statement, isConsumer ? salted : null, chains).catch((thrown: unknown) => {
    // A consumer's proof is theirs without the chain: where it cannot be asked, nothing but a salt is missing.
    if (isConsumer) return new Set<string>()
    throw thrown
  })
  if (!isConsumer && owned.size === 0) return null
  const opened = [...salted].filter((did) => owned.has(did))
  if (opened.length === 0) return proof
  const salts = await operator.findSalts(jobId)
  return { ...proof, salts: salts.filter(({ did }) => opened.includes(did)) }
}

function isSalted({ salted }: { salted?: true | undefined }): boolean {
  return salted === true
}

/**
 * The datasets of a job whose NFTs are somebody's now, by DID.
 * @param among only these are asked about; null is all
 */
async function listOwned(
  reader: string,
  { predicate: { job, orders, datasets } }: ProofStatement,
  among: ReadonlySet<string> | null,
  chains: ProviderChains,
): Promise<Set<string>> {
  const chain = chains.get(job.chainId ?? 0)
  if (!chain) return new Set()
  const isAsked = (did: string): boolean => datasets.some((one) => one.did === did) && (among?.has(did) ?? true)
  const nfts = new Map(orders.flatMap(({ did, nft }) => (isAsked(did) ? [[did, nft] as const] : [])))
  const owners = await Promise.all(
    [...nfts].map(async ([did, nft]) => ({ did, owner: await chain.client.nftOwner(nft) })),
  )
  return new Set(owners.flatMap(({ did, owner }) => (owner !== null && isSameAddress(owner, reader) ? [did] : [])))
}
