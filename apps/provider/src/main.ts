import { createRequire } from 'node:module'
import { createMetrics, listen, type Metrics } from '@c2d/http-kit'
import {
  askWhetherItAnswers,
  createNonceLedger,
  isSchemaCurrent,
  migrateToLatest,
  openDatabase,
  waitForDatabase,
} from '@c2d/postgres'
import { createLogger, createShutdown, runMain } from '@c2d/runtime'
import express, { type Express } from 'express'
import { createApp } from './app.ts'
import { createChainCallCounter } from './clients/count-chain-calls.ts'
import { createMetadataCache } from './clients/metadata-cache.ts'
import { openOriginFetch } from './clients/origin-fetch.ts'
import { createOperatorService } from './clients/operator-service.ts'
import { createRbac } from './clients/rbac.ts'
import { authTokenSecretOf, loadProviderConfig, processEnvironment, universalKeyOf } from './config.ts'
import { migrations } from './db/migrations/index.ts'
import { createRevokedTokens } from './db/revoked-tokens.ts'
import { createSpentTexts } from './db/spent-texts.ts'
import { openProofs } from './open-proofs.ts'
import { openChains } from './open-chains.ts'

const GRACE_MS = 10_000
const DATABASE_WAIT_MS = 60_000
const GRANT_MEMORY_MS = 2_000

async function main(): Promise<void> {
  const config = loadProviderConfig(processEnvironment())
  const log = createLogger({ component: 'provider', level: config.LOG_LEVEL })
  const shutdown = createShutdown({ graceMs: GRACE_MS, signals: ['SIGTERM', 'SIGINT'] }, { log })

  const metrics = createMetrics({ prefix: 'c2d_provider_' })
  const chains = await openChains(config, { countCalls: createChainCallCounter(metrics) })
  shutdown.onClose('chains', () => chains.forEach((chain) => chain.client.close()))
  const db = openDatabase({ url: config.DATABASE_URL.reveal(), applicationName: 'c2d-provider' })
  shutdown.onClose('database', () => db.destroy())
  const isThere = await waitForDatabase({
    ask: () => askWhetherItAnswers(db),
    patienceMs: DATABASE_WAIT_MS,
    signal: shutdown.signal,
    onWaiting: (missing) => log.warn({ missing }, 'waiting for the database'),
  })
  if (!isThere) return
  await migrateToLatest(db, migrations)

  const timeoutMs = config.REQUEST_TIMEOUT * 1000
  const { AQUARIUS_URL: cacheUrl, OPERATOR_SERVICE_URL: operatorUrl, RBAC_SERVER_URL: rbacUrl } = config
  const universalKey = universalKeyOf(config)
  const metricsAt = config.METRICS_ADDRESS
  const proofs = openProofs(config, { chains, metrics, log })
  if (proofs) shutdown.onClose('proofs', () => proofs.close())
  const app = createApp(
    {
      version: versionOfPackage(),
      hasSingleKey: config.PROVIDER_PRIVATE_KEY.kind === 'single',
      authorizedDecrypters: config.AUTHORIZED_DECRYPTERS,
      trustLists: config.TRUST_LISTS,
      allowsEnvironmentSignatures: config.ALLOW_ENVIRONMENT_SIGNATURES,
      grantMemoryMs: GRANT_MEMORY_MS,
      publicUrls: config.PUBLIC_URLS,
      gateways: { ipfs: config.IPFS_GATEWAY, arweave: config.ARWEAVE_GATEWAY },
      maxChecksumBytes: config.MAX_CHECKSUM_LENGTH,
      requestTimeoutMs: timeoutMs,
      orderTimeoutMs: config.ORDER_TIMEOUT * 1000,
      bodyLimitBytes: config.MAX_BODY_BYTES,
      maxStreams: config.MAX_STREAMS,
      rateLimitPerMinute: config.RATE_LIMIT_PER_MINUTE,
      trustedProxies: config.TRUSTED_PROXIES,
      servesMetrics: metricsAt === undefined,
      authTokenSecret: authTokenSecretOf(config),
      maxAuthTokenSeconds: config.MAX_AUTH_TOKEN_SECONDS,
      allowsLegacyAuthTokens: config.LEGACY_AUTH_TOKENS,
      metadataUri: cacheUrl ?? null,
    },
    {
      chains,
      ledger: createNonceLedger({ window: config.NONCE_WINDOW }, { db }),
      revoked: createRevokedTokens({ db }),
      texts: createSpentTexts({ db }),
      cache: cacheUrl ? createMetadataCache({ url: cacheUrl, timeoutMs }, { log }) : null,
      operator: operatorUrl ? createOperatorService({ url: operatorUrl, universalKey, timeoutMs }) : null,
      rbac: rbacUrl
        ? createRbac({ url: rbacUrl, universalKey, isPrivate: config.PRIVATE_PROVIDER !== undefined, timeoutMs })
        : null,
      proofs,
      fetch: openOriginFetch({ allowList: config.ALLOW_NON_PUBLIC_IP ? ['*'] : config.OUTBOUND_ALLOW, timeoutMs }),
      now: () => Date.now() / 1000,
      readiness: {
        database: async () => {
          if (!(await isSchemaCurrent(db, migrations)))
            throw new Error('the database schema is not the one of this build')
        },
        ...Object.fromEntries(
          [...chains.values()].map(({ chainId, client }) => [`chain ${chainId}`, () => client.isReady()]),
        ),
      },
      metrics,
      log,
    },
  )
  if (metricsAt) {
    const metricsServer = await listen(metricsApp(metrics), metricsAt)
    shutdown.onClose('metrics', () => metricsServer.close())
  }
  const server = await listen(app, config.OCEAN_PROVIDER_URL)
  shutdown.onClose('http', () => server.close())
  log.info({ host: config.OCEAN_PROVIDER_URL.host, port: server.port, chains: [...chains.keys()] }, 'provider listens')
}

function metricsApp(metrics: Metrics): Express {
  const app = express()
  app.disable('x-powered-by')
  app.get('/metrics', metrics.metricsRoute())
  return app
}

function versionOfPackage(): string {
  const manifest = createRequire(import.meta.url)('../package.json') as { version: string }
  return manifest.version
}

await runMain(main)
