import { addressOf, createChainClient, type ChainClientOptions } from '@c2d/chain'
import type { ComputeOptions } from '@c2d/contracts'
import { DEV_ACCOUNTS, devWallet } from '@c2d/dev-servers'
import { createMetrics, listen } from '@c2d/http-kit'
import { createNonceLedger, migrateToLatest, openDatabase } from '@c2d/postgres'
import { silentLogger } from '@c2d/runtime'
import { createTestDatabase, startTestChain } from '@c2d/testing'
import { openOriginFetch } from '../../../src/clients/origin-fetch.ts'
import { createApp, type AppDeps, type AppOptions } from '../../../src/app.ts'
import { createCodeProbe } from '../../../src/clients/contract-code.ts'
import { createMetadataCache } from '../../../src/clients/metadata-cache.ts'
import { createOperatorService } from '../../../src/clients/operator-service.ts'
import { migrations } from '../../../src/db/migrations/index.ts'
import { createRevokedTokens } from '../../../src/db/revoked-tokens.ts'
import { createSpentTexts } from '../../../src/db/spent-texts.ts'
import { createChainActor } from './chain-actor.ts'
import { buildEnvironment, startFakeOperator } from './fake-operator.ts'
import { startFileOrigin } from './file-origin.ts'
import { startMetadataCacheStub } from './metadata-cache-stub.ts'
import { publishAsset, republishAsset, type AssetChoices, type PublishedAsset } from './publish-asset.ts'

/** The provider's own key, and the one an environment downloads with. */
export const PROVIDER_KEY = DEV_ACCOUNTS.provider.publishedPrivateKey
export const ENVIRONMENT_KEY = devWallet(5).privateKey

/** What the provider under test signs auth tokens with. */
export const AUTH_TOKEN_SECRET = Buffer.from('a secret of this test, not of any provider')

const TIMEOUT_MS = 5_000

/** A provider on a real database and a real chain, between a fake operator, a cache and an origin of files. */
export type Stack = Awaited<ReturnType<typeof startStack>>

/** Starts everything; `changes` are options of the app, `others` replace what it talks to, `reading` is how chains are read. */
export async function startStack(
  changes: Partial<AppOptions> = {},
  others: Partial<AppDeps> = {},
  reading: Partial<ChainClientOptions> = {},
) {
  const closers: (() => Promise<void> | void)[] = []
  const consumerAddress = addressOf(ENVIRONMENT_KEY)
  const [chain, database, origin, operator, cache] = await Promise.all([
    startTestChain(),
    createTestDatabase({ template: 'provider', migrate }),
    startFileOrigin(),
    startFakeOperator([
      buildEnvironment({ id: 'free', priceMin: 0, consumerAddress }),
      buildEnvironment({ id: 'paid', priceMin: '0.1', consumerAddress }),
    ]),
    startMetadataCacheStub(),
  ])
  const { ERC721Factory: factoryAddress, Ocean: feeToken } = chain.addresses
  const db = openDatabase({ url: database.url, applicationName: 'provider-test' })
  const place = { chainId: 8996, rpcUrl: chain.rpcUrl, factoryAddress, startBlock: 0 }
  const client = createChainClient({ ...place, ...reading })
  const app = createApp(
    {
      version: '0.0.0',
      hasSingleKey: true,
      authorizedDecrypters: [],
      trustLists: 'private',
      allowsEnvironmentSignatures: false,
      grantMemoryMs: 0,
      publicUrls: [],
      gateways: {},
      maxChecksumBytes: 5_242_880,
      requestTimeoutMs: TIMEOUT_MS,
      orderTimeoutMs: 300,
      bodyLimitBytes: 8 * 1024 * 1024,
      metadataUri: cache.url,
      maxStreams: 100,
      rateLimitPerMinute: 0,
      trustedProxies: 0,
      servesMetrics: true,
      authTokenSecret: AUTH_TOKEN_SECRET,
      maxAuthTokenSeconds: 86_400,
      allowsLegacyAuthTokens: false,
      ...changes,
    },
    {
      chains: new Map([
        [
          8996,
          {
            chainId: 8996,
            network: 'Ganache',
            factoryAddress,
            feeToken,
            address: addressOf(PROVIDER_KEY),
            privateKey: PROVIDER_KEY,
            client,
            hasCode: createCodeProbe({ rpcUrls: [chain.rpcUrl], timeoutMs: TIMEOUT_MS }),
          },
        ],
      ]),
      ledger: createNonceLedger({ window: '10000' }, { db }),
      revoked: createRevokedTokens({ db }),
      texts: createSpentTexts({ db }),
      cache: createMetadataCache({ url: cache.url, timeoutMs: TIMEOUT_MS }, { log: silentLogger }),
      operator: createOperatorService({ url: operator.url, universalKey: PROVIDER_KEY, timeoutMs: TIMEOUT_MS }),
      rbac: null,
      proofs: null,
      fetch: openOriginFetch({ allowList: [origin.host], timeoutMs: TIMEOUT_MS }),
      now: () => Date.now() / 1000,
      readiness: { chain: () => client.isReady() },
      metrics: createMetrics({ prefix: 'c2d_provider_' }),
      log: silentLogger,
      ...others,
    },
  )
  const server = await listen(app, { host: '127.0.0.1', port: 0 })
  const publisher = createChainActor(chain, DEV_ACCOUNTS.publisher.index)
  const consumer = createChainActor(chain, DEV_ACCOUNTS.consumer.index)
  const stranger = createChainActor(chain, 3)
  let stopped: Promise<void> | undefined
  const stopServing = (): Promise<void> => (stopped ??= server.close())
  closers.push(
    stopServing,
    () => db.destroy(),
    () => client.close(),
    () => [publisher, consumer, stranger].forEach((actor) => actor.close()),
    () => Promise.all([origin, operator, cache].map((stub) => stub.close())).then(() => undefined),
    () => database.drop(),
    () => chain.stop(),
  )
  return {
    url: `http://127.0.0.1:${server.port}`,
    chain,
    db,
    origin,
    operator,
    cache,
    publisher,
    consumer,
    stranger,
    /** What a signal does first: nobody new is let in, who is in may finish. */
    stopServing,
    environmentAddress: consumerAddress,
    publish: (choices: AssetChoices): Promise<PublishedAsset> =>
      publishAsset(choices, { publisher, consumer, providerKey: PROVIDER_KEY, cache }),
    republish: (asset: PublishedAsset, compute: ComputeOptions): Promise<void> =>
      republishAsset(asset, compute, { publisher, providerKey: PROVIDER_KEY, cache }),
    async close() {
      for (const close of closers) await close()
    },
  }
}

async function migrate(url: string): Promise<void> {
  const db = openDatabase({ url, applicationName: 'provider-migrate' })
  try {
    await migrateToLatest(db, migrations)
  } finally {
    await db.destroy()
  }
}
