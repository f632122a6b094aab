import { addressOf, createChainClient, type ChainClientOptions } from '@c2d/chain'
import { createMetrics, listen } from '@c2d/http-kit'
import { createNonceLedger, migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { silentLogger } from '@c2d/runtime'
import { createTestDatabase, type TestChain } from '@c2d/testing'
import express, { type Express } from 'express'
import { createApp, type AppDeps, type AppOptions } from '../../../src/app.ts'
import { createCodeProbe } from '../../../src/clients/contract-code.ts'
import { createMetadataCache } from '../../../src/clients/metadata-cache.ts'
import { migrations } from '../../../src/db/migrations/index.ts'
import { createRevokedTokens } from '../../../src/db/revoked-tokens.ts'
import { createSpentTexts } from '../../../src/db/spent-texts.ts'

/** What the provider under test signs auth tokens with. */
export const AUTH_TOKEN_SECRET = Buffer.from('a secret of this test, not of any provider')

export const TIMEOUT_MS = 5_000

/** A provider of this build with a key of its own, on a real chain and a database of its own. */
export interface ProviderApp {
  url: string
  db: Database
  /** What a signal does first: nobody new is let in, who is in may finish. */
  stopServing: () => Promise<void>
  close(): Promise<void>
}

/**
 * Starts a provider; `changes` are options of the app, `reading` is how chains are read.
 * @param place.seen gets what every request asks for, query and all
 */
export async function startProviderApp(
  place: { key: string; chain: TestChain; cacheUrl: string; port?: number; seen?: string[] },
  deps: Partial<AppDeps> & Pick<AppDeps, 'operator' | 'fetch'>,
  changes: Partial<AppOptions> = {},
  reading: Partial<ChainClientOptions> = {},
): Promise<ProviderApp> {
  const { key, chain, cacheUrl, port = 0, seen } = place
  const database = await createTestDatabase({ template: 'provider', migrate })
  const { ERC721Factory: factoryAddress, Ocean: feeToken } = chain.addresses
  const db = openDatabase({ url: database.url, applicationName: 'provider-test' })
  const client = createChainClient({ chainId: 8996, rpcUrl: chain.rpcUrl, factoryAddress, startBlock: 0, ...reading })
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
      metadataUri: cacheUrl,
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
            address: addressOf(key),
            privateKey: key,
            client,
            hasCode: createCodeProbe({ rpcUrls: [chain.rpcUrl], timeoutMs: TIMEOUT_MS }),
          },
        ],
      ]),
      ledger: createNonceLedger({ window: '10000' }, { db }),
      revoked: createRevokedTokens({ db }),
      texts: createSpentTexts({ db }),
      cache: createMetadataCache({ url: cacheUrl, timeoutMs: TIMEOUT_MS }, { log: silentLogger }),
      rbac: null,
      proofs: null,
      now: () => Date.now() / 1000,
      readiness: { chain: () => client.isReady() },
      metrics: createMetrics({ prefix: 'c2d_provider_' }),
      log: silentLogger,
      ...deps,
    },
  )
  const server = await listen(seen ? recording(app, seen) : app, { host: '127.0.0.1', port })
  let stopped: Promise<void> | undefined
  const stopServing = (): Promise<void> => (stopped ??= server.close())
  return {
    url: `http://127.0.0.1:${server.port}`,
    db,
    stopServing,
    async close() {
      await stopServing()
      await db.destroy()
      client.close()
      await database.drop()
    },
  }
}

function recording(app: Express, seen: string[]): Express {
  return express()
    .use((request, _response, next) => {
      seen.push(request.originalUrl)
      next()
    })
    .use(app)
}

async function migrate(url: string): Promise<void> {
  const db = openDatabase({ url, applicationName: 'provider-migrate' })
  try {
    await migrateToLatest(db, migrations)
  } finally {
    await db.destroy()
  }
}
