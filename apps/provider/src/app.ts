import { recoverSigner } from '@c2d/chain'
import { createHttpApp, healthRoutes, notFound, renderErrors, type Metrics, type ReadinessCheck } from '@c2d/http-kit'
import type { NonceLedger } from '@c2d/postgres'
import type { Logger } from '@c2d/runtime'
import { createS3Signer, type SourceFetch, type SourceGateways } from '@c2d/storage'
import type { Express } from 'express'
import type { MetadataCache } from './clients/metadata-cache.ts'
import { createPeerProviders } from './clients/peer-providers.ts'
import type { OperatorService } from './clients/operator-service.ts'
import type { ProofQueue } from './clients/proof-queue.ts'
import type { Rbac } from './clients/rbac.ts'
import type { TrustLists } from './domain/compute/algorithm-policy.ts'
import { createDownloadAuthoriser, createJobReadCheck } from './domain/access/authorise-download.ts'
import { createAuthTokens } from './domain/auth/auth-tokens.ts'
import { createFileChecker } from './domain/access/check-files.ts'
import { createConsumerAuth } from './domain/auth/consumer-auth.ts'
import { createContractCalls } from './domain/chains/contract-calls.ts'
import { createContractAccounts } from './domain/auth/contract-accounts.ts'
import { createActLimit } from './domain/sharing/act-limit.ts'
import { createConsumerOutputs } from './domain/compute/consumer-outputs.ts'
import { createWaitingCount } from './domain/compute/count-waiting.ts'
import { chainsAtOneMoment, type ProviderChains } from './domain/chains/provider-chain.ts'
import { createAssetResolver } from './domain/assets/resolve-asset.ts'
import { createHostFinder } from './domain/assets/service-host.ts'
import type { RevokedTokens } from './db/revoked-tokens.ts'
import type { SpentTexts } from './db/spent-texts.ts'
import { authTokenRoutes, type AuthTokenOptions } from './http/auth-token.routes.ts'
import { authRoutes } from './http/auth.routes.ts'
import { computeRoutes } from './http/compute.routes.ts'
import { countRefusals } from './http/count-refusals.ts'
import { decryptRoutes } from './http/decrypt.routes.ts'
import { docsRoutes } from './http/docs.routes.ts'
import { downloadRoutes } from './http/download.routes.ts'
import { encryptRoutes } from './http/encrypt.routes.ts'
import { explainRoutes } from './http/explain.routes.ts'
import { fileinfoRoutes } from './http/fileinfo.routes.ts'
import { initializeRoutes } from './http/initialize.routes.ts'
import { jobStreamRoutes } from './http/job-stream.routes.ts'
import { jobRoutes } from './http/job.routes.ts'
import { limitAddresses } from './http/limit-addresses.ts'
import { proofRoutes } from './http/proof.routes.ts'
import { refuseMethods } from './http/refuse-methods.ts'
import { rootRoutes } from './http/root.routes.ts'
import { validateContainerRoutes } from './http/validate-container.routes.ts'
import { measurePeers } from './measure-peers.ts'

/** How this provider behaves; see `config.ts` for the variable behind each. */
export interface AppOptions extends AuthTokenOptions {
  version: string
  /** Then `encrypt` takes any chain id, as the reference does. */
  hasSingleKey: boolean
  authorizedDecrypters: readonly string[]
  trustLists: TrustLists
  allowsEnvironmentSignatures: boolean
  /** Milliseconds for which a job's right to its files is not asked for again. */
  grantMemoryMs: number
  /** Under which addresses clients reach this provider; services elsewhere may be another provider's. */
  publicUrls: readonly string[]
  /** Where files of IPFS and Arweave are read; without one, those files cannot be had. */
  gateways: SourceGateways
  /** Larger files have no checksum, and larger algorithms do not run. */
  maxChecksumBytes: number
  /** How long the origin of a file may take to be probed. */
  requestTimeoutMs: number
  /** How long an order that is not on chain yet is waited for. */
  orderTimeoutMs: number
  bodyLimitBytes: number
  /** Requests of one client address, and signed ones of one consumer; 0 sets no limit. */
  rateLimitPerMinute: number
  /** How many proxies of the operator stand before us. */
  trustedProxies: number
  /** Whether `/metrics` is served here, or by the caller elsewhere. */
  servesMetrics: boolean
  /** Jobs that may be followed at once, events and logs together. */
  maxStreams: number
  /** Signs auth tokens. Never logged. */
  authTokenSecret: Uint8Array
  /** What workflows name as the place of documents. */
  metadataUri: string | null
}

/** Everything outside that the app talks to. */
export interface AppDeps {
  chains: ProviderChains
  ledger: NonceLedger
  revoked: RevokedTokens
  texts: SpentTexts
  cache: MetadataCache | null
  operator: OperatorService | null
  /** Asked before anything is given; null asks nobody. */
  rbac: Rbac | null
  /** Told of every download that a consumer made; null tells nobody. */
  proofs: ProofQueue | null
  /** The guarded client: the only way to addresses that users name (DESIGN §4.8). */
  fetch: SourceFetch
  /** Epoch seconds, with fraction. */
  now: () => number
  readiness: Record<string, ReadinessCheck>
  metrics: Metrics
  log: Logger
}

/** How long it holds who another provider is, and how many jobs wait: both are asked for over and over. */
const PEER_MEMORY_MS = 60_000
const QUEUE_MEMORY_MS = 2_000

/** How long an account that is a contract may think about a signature. */
const CONTRACT_TIMEOUT_MS = 3_000

/** The provider as an express app; it never listens. */
export function createApp(options: AppOptions, deps: AppDeps): Express {
  const { metrics, fetch, now, log } = deps
  const { chains, cache, operator, rbac } = measurePeers(deps, metrics)
  const callContract = createContractCalls({ chains })
  const openResult = operator?.openPublished
  const files = { fetch, gateways: options.gateways, callContract, signS3Get: createS3Signer(), openResult }
  const resolveAsset = createAssetResolver({ chains, cache, log })
  const tokens = createAuthTokens({ secret: options.authTokenSecret }, deps)
  const contracts = createContractAccounts({ timeoutMs: CONTRACT_TIMEOUT_MS }, { chains })
  const limit = createActLimit({ perMinute: options.rateLimitPerMinute })
  const auth = createConsumerAuth({
    ledger: deps.ledger,
    texts: deps.texts,
    recover: recoverSigner,
    tokens,
    limit,
    contracts,
  })
  const authorise = createDownloadAuthoriser(options, { resolveAsset, operator, recover: recoverSigner, now })
  const assertJobReads = createJobReadCheck({ operator, recover: recoverSigner, now })
  const checkFiles = createFileChecker(
    { maxBytes: options.maxChecksumBytes, timeoutMs: options.requestTimeoutMs },
    { files },
  )
  const peers = createPeerProviders({ timeoutMs: options.requestTimeoutMs }, { fetch })
  const findHost = createHostFinder({ publicUrls: options.publicUrls, memoryMs: PEER_MEMORY_MS }, { peers })
  const countWaiting = createWaitingCount({ memoryMs: QUEUE_MEMORY_MS }, { operator })
  const outputs = createConsumerOutputs({ timeoutMs: options.requestTimeoutMs }, { chains, fetch })
  const openMoment = () => createAssetResolver({ chains: chainsAtOneMoment(chains), cache, log })
  const evaluation = { openMoment, findHost, checkFiles, trustLists: options.trustLists, outputs, now }

  const app = createHttpApp(options, { log, metrics })
  app.use(healthRoutes(deps.readiness, { log }))
  if (options.servesMetrics) app.get('/metrics', metrics.metricsRoute())
  app.use(limitAddresses({ perMinute: options.rateLimitPerMinute }))
  app.use(docsRoutes(options))
  app.use(rootRoutes(options, { chains }))
  app.use(authRoutes({ auth }))
  app.use(authTokenRoutes(options, { auth, tokens, now }))
  app.use(encryptRoutes(options, { chains }))
  app.use(decryptRoutes(options, { chains, auth }))
  app.use(fileinfoRoutes(options, { resolveAsset, files, assertJobReads }))
  app.use(initializeRoutes({ resolveAsset, files, requestTimeoutMs: options.requestTimeoutMs, now, auth, rbac }))
  app.use(downloadRoutes({ auth, authorise, files, rbac, proofs: deps.proofs }))
  app.use(computeRoutes({ ...options, ...evaluation, operator, chains, auth, rbac }))
  app.use(explainRoutes({ ...evaluation, operator, countWaiting, auth }))
  app.use(validateContainerRoutes())
  app.use(jobStreamRoutes(options, { operator, auth }))
  app.use(proofRoutes({ operator, auth, chains }))
  app.use(jobRoutes({ operator, auth, rbac }))
  app.use(refuseMethods())
  app.use(notFound)
  app.use(countRefusals(metrics))
  app.use(renderErrors('provider', { log }))
  return app
}
