import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENGINE_ROLE } from '@c2d/operator-db'
import { openDatabase, type Database } from '@c2d/postgres'
import type { ChainState } from './chain-state.ts'
import { DURATION_SECONDS, ENVIRONMENT_KEY, ENVIRONMENTS } from './environments.ts'
import { createEngineSlot, type EngineSlot } from './engine-slot.ts'
import { openNetwork, type Network } from './network.ts'
import { startOrigin } from './origin.ts'
import type { ChaosPlace } from './place.ts'
import { createProcessPlace } from './process-place.ts'
import { createPublishingWorld, type PublishingWorld } from './publishing-world.ts'
import type { RestartablePostgres } from './restartable-postgres.ts'
import type { Schedule } from './schedule.ts'

const POD_PASSWORD = 'pods-of-a-chaotic-world'

// Shifts the clock of a process before anything of it runs.
const CLOCK_SHIFT = `
const shift = Number(process.env.CHAOS_CLOCK_SHIFT_MS)
const now = Date.now.bind(Date)
Date.now = () => now() + shift
globalThis.Date = new Proxy(Date, { construct: (date, given) => (given.length ? new date(...given) : new date(date.now())) })
`

/** What one run happens in: a database, engines each with a wire of its own to it, a file origin, folders. */
export interface ChaosWorld {
  /** Straight to the database, beside every wire. */
  readonly db: Database
  readonly postgres: RestartablePostgres
  readonly databaseUrl: string
  readonly place: ChaosPlace
  /** `host:port` of a server that has the jobs' data, and stands in for a provider. */
  readonly origin: string
  readonly engines: readonly EngineSlot[]
  readonly networks: readonly Network[]
  /** Where results become assets; null where they do not. */
  readonly publishing: PublishingWorld | null
  close(): Promise<void>
}

/**
 * @param apps the folder of the built services
 * @param schedule how many engines, and how wrong their clocks are
 * @param deps.chainState what the chain begins with; null: nothing is published
 */
export async function createChaosWorld(
  schedule: Schedule,
  deps: {
    apps: string
    postgres: RestartablePostgres
    chainState: ChainState | null
    executor: 'process' | 'kubernetes'
  },
): Promise<ChaosWorld> {
  const { apps, postgres, chainState } = deps
  const database = `chaos_${randomBytes(4).toString('hex')}`
  await postgres.createDatabase(database, POD_PASSWORD)
  const databaseUrl = postgres.url(database)
  const folder = await mkdtemp(join(tmpdir(), 'c2d-chaos-'))
  const place = await createPlace(deps.executor, { apps, folder })
  const clockShift = join(folder, 'clock-shift.mjs')
  await writeFile(clockShift, CLOCK_SHIFT)
  const db = openDatabase({ url: databaseUrl, applicationName: 'chaos', maxConnections: 4 })
  const origin = await startOrigin()
  const originAddress = await place.reach(origin.port)
  const networks = await Promise.all(schedule.engineSkewMs.map(() => openNetwork({ port: postgres.port })))
  const publishing = chainState && (await createPublishingWorld(chainState, schedule.engineSkewMs.length))

  const podAddresses = await Promise.all(networks.map(({ port }) => place.reach(port)))

  const engines = schedule.engineSkewMs.map((skewMs, index) => {
    const { port = 0 } = networks[index] ?? {}
    return createEngineSlot(join(apps, 'operator-engine/dist/main.js'), {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      DATABASE_URL: engineUrlVia(databaseUrl, `127.0.0.1:${port}`),
      POD_DATABASE_URL: urlVia(databaseUrl, podAddresses[index] ?? '', { username: 'c2d_pod', password: POD_PASSWORD }),
      ENVIRONMENTS: JSON.stringify(
        (['steady', 'brief'] as const).map((name) => ({
          ...ENVIRONMENTS[name],
          privateKey: ENVIRONMENT_KEY,
          maxJobDuration: DURATION_SECONDS[name],
          ...place.environment,
          ...(publishing ? { derivedAssets: { maxBytes: 1_000_000_000 } } : {}),
        })),
      ),
      ...place.settingsOf(index),
      OUTBOUND_ALLOW: `${origin.address},${originAddress}`,
      NOTIFY_START_URL: `http://${origin.address}/told`,
      NOTIFY_STOP_URL: `http://${origin.address}/told`,
      LEASE_SECONDS: '1.5',
      TICK_SECONDS: '0.4',
      HEALTH_HOST: '127.0.0.1',
      HEALTH_PORT: '0',
      ...publishing?.settingsOf(index),
      ...(skewMs === 0 ? {} : { NODE_OPTIONS: `--import ${clockShift}`, CHAOS_CLOCK_SHIFT_MS: String(skewMs) }),
    })
  })

  return {
    db,
    postgres,
    databaseUrl,
    place,
    origin: originAddress,
    engines,
    networks,
    publishing,
    async close() {
      await Promise.all(engines.map((engine) => engine.end('SIGKILL')))
      await place.close()
      await Promise.all(networks.map((network) => network.close()))
      await publishing?.close()
      await db.destroy()
      await postgres.dropDatabase(database)
      await origin.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function createPlace(
  executor: 'process' | 'kubernetes',
  given: { apps: string; folder: string },
): Promise<ChaosPlace> {
  if (executor === 'process') return createProcessPlace(given)
  // Loaded where it is wanted: it refuses to be where no test cluster is named.
  const { createClusterPlace } = await import('./cluster-place.ts')
  return createClusterPlace({ folder: given.folder, environmentKey: ENVIRONMENT_KEY })
}

/** With the rights of an engine and no more. */
function engineUrlVia(databaseUrl: string, address: string): string {
  const url = new URL(urlVia(databaseUrl, address))
  url.searchParams.set('options', `-c timezone=UTC -c role=${ENGINE_ROLE}`)
  return url.href
}

function urlVia(databaseUrl: string, address: string, login?: { username: string; password: string }): string {
  const url = new URL(databaseUrl)
  url.host = address
  if (login) Object.assign(url, login)
  return url.href
}
