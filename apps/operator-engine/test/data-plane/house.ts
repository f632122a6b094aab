import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addressOf } from '@c2d/chain'
import { DEV_ACCOUNTS, findFreePort, spawnGuarded, type GuardedChild } from '@c2d/dev-servers'
import { SERVICE_ROLE } from '@c2d/operator-db'
import { createTestDatabase, type TestChain } from '@c2d/testing'
import { waitUntil } from '../integration/executor-conformance.ts'

// What is started here is built by `npm run build`.
const APPS = fileURLToPath(new URL('../../../', import.meta.url))
export const PROVIDER_KEY = DEV_ACCOUNTS.provider.publishedPrivateKey
const READY_MS = 60_000

/** A provider and an operator-service, processes as an operator runs them, over the jobs of an engine world. */
export interface House {
  providerUrl: string
  /** Of operator-service; it reads results from wherever they went. */
  operatorUrl: string
  /** Another operator-service, which reads results from IPFS alone. */
  ipfsOnlyUrl: string
  close(): Promise<void>
}

/**
 * Starts them; ready when each of them says so.
 * @param options.host where the provider listens: pods must reach it there
 * @param options.results the settings that say where results went
 * @param options.outbound what the provider may fetch from although it is not public
 */
export async function openHouse(options: {
  host: string
  chain: TestChain
  jobsDatabaseUrl: string
  results: Record<string, string>
  gateways: { ipfs: string; arweave: string }
  outbound: readonly string[]
}): Promise<House> {
  const database = await createTestDatabase({ migrate: () => Promise.resolve() })
  const children: GuardedChild[] = []
  const providerUrl = `http://${options.host}:${await findFreePort()}`
  const [operatorUrl, ipfsOnlyUrl] = [await localUrl(), await localUrl()]
  const jobs = new URL(options.jobsDatabaseUrl)
  jobs.searchParams.set('options', `-c timezone=UTC -c role=${SERVICE_ROLE}`)
  const operator = (url: string, targets: string): Promise<GuardedChild> =>
    start('operator-service', url, {
      OPERATOR_URL: url,
      DATABASE_URL: jobs.href,
      ALLOWED_PROVIDERS: JSON.stringify([addressOf(PROVIDER_KEY)]),
      ...options.results,
      RESULTS_TARGETS: targets,
    })

  async function close(): Promise<void> {
    await Promise.all(children.map((child) => child.stop()))
    await database.drop()
  }

  try {
    // One after the other: the first migrates the jobs database, where that is not done.
    children.push(await operator(operatorUrl, 's3,ipfs'), await operator(ipfsOnlyUrl, 'ipfs'))
    const provider = start('provider', providerUrl, {
      OCEAN_PROVIDER_URL: providerUrl,
      PUBLIC_URLS: providerUrl,
      DATABASE_URL: database.url,
      NETWORK_URL: options.chain.rpcUrl,
      ADDRESS_FILE: options.chain.addressFile,
      PROVIDER_PRIVATE_KEY: PROVIDER_KEY,
      OPERATOR_SERVICE_URL: operatorUrl,
      IPFS_GATEWAY: options.gateways.ipfs,
      ARWEAVE_GATEWAY: options.gateways.arweave,
      OUTBOUND_ALLOW: options.outbound.join(','),
      REQUEST_TIMEOUT: '60',
    })
    children.push(await provider)
  } catch (thrown) {
    await close()
    throw thrown
  }
  return { providerUrl, operatorUrl, ipfsOnlyUrl, close }
}

async function localUrl(): Promise<string> {
  return `http://127.0.0.1:${await findFreePort()}`
}

async function start(app: string, url: string, env: Record<string, string>): Promise<GuardedChild> {
  const child = spawnGuarded({
    command: process.execPath,
    args: ['--enable-source-maps', join(APPS, app, 'dist/main.js')],
    env,
    stopSignal: 'SIGTERM',
  })
  const state = { hasEnded: false }
  void child.exited.then(() => (state.hasEnded = true))
  const isReady = (): Promise<boolean> =>
    fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    )
  try {
    await waitUntil(async () => state.hasEnded || (await isReady()), READY_MS)
    if (state.hasEnded) throw new Error('it ended')
    return child
  } catch (cause) {
    await child.stop()
    throw new Error(`${app} is not ready:\n${child.recentLog()}`, { cause })
  }
}
