import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { startPostgres } from '@c2d/dev-servers'
import type { Opener } from './opener.ts'
import type { WatchedServer } from './service.ts'

/** The role that pods report as; the operator's migrations create it. */
const POD_ROLE = 'c2d_pod'

/** Connection strings of the one PostgreSQL, which has a database for each side. */
export interface Databases {
  readonly server: WatchedServer
  readonly providerUrl: string
  readonly operatorUrl: string
  /** The operator's database, as the role that pods report as. Its password is set by operator-service. */
  readonly podUrl: string
}

/** Starts PostgreSQL with its data below `dataFolder`, and creates the databases. */
export async function openDatabases(
  options: { readonly dataFolder: string; readonly port: number },
  opener: Opener,
): Promise<Databases> {
  const { dataFolder, port } = options
  const log = await opener.openLog('postgres')
  const server = await opener.open(
    'PostgreSQL',
    () => startPostgres({ dataDir: join(dataFolder, 'postgres'), port, onLog: log.write }),
    async (postgres) => {
      await postgres.stop()
      await removeStandIn(dataFolder, postgres.dataDir)
    },
  )
  const [providerUrl, operatorUrl] = await Promise.all([
    server.createDatabase('provider'),
    server.createDatabase('operator'),
  ])
  const pod = new URL(operatorUrl)
  pod.username = POD_ROLE
  pod.password = randomBytes(24).toString('hex')
  return { server: { name: 'PostgreSQL', pid: server.pid, log }, providerUrl, operatorUrl, podUrl: pod.href }
}

/** As root, a server that may not enter our folder keeps its data in another one of its own, which would stay behind. */
async function removeStandIn(dataFolder: string, dataDir: string): Promise<void> {
  if (relative(dataFolder, dataDir).startsWith('..')) await rm(dirname(dataDir), { recursive: true, force: true })
}
