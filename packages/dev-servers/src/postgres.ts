import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { errorCode } from './error-code.ts'
import { assertPortFree } from './free-port.ts'
import { spawnGuarded } from './guarded-child.ts'
import { preparePostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts'
import { placeServerFolders } from './server-folders.ts'
import { findServerIdentity, type ServerIdentity } from './server-identity.ts'
import { waitUntilReady } from './wait-until-ready.ts'

/** Where the server keeps its data and where it listens. */
export interface PostgresOptions {
  /** Created and initialised on the first start, found again (with its password) on later ones. */
  readonly dataDir: string
  /** TCP port on 127.0.0.1. */
  readonly port: number
  /** Receives the server's log lines; default: nobody. */
  readonly onLog?: (line: string) => void
}

/** A running PostgreSQL server on this machine. */
export interface PostgresServer {
  readonly host: '127.0.0.1'
  readonly port: number
  /** A superuser. */
  readonly user: 'postgres'
  readonly password: string
  /** Where the data really is: not below `options.dataDir` where root asked for a folder the server cannot enter. */
  readonly dataDir: string
  /** The server's process id. */
  readonly pid: number
  /** A connection string for that database. */
  url(database: string): string
  /** Creates the database unless it exists, and gives its connection string. */
  createDatabase(name: string): Promise<string>
  /** Ends all sessions and the server; resolves when the process is gone. Safe to repeat. */
  stop(): Promise<void>
}

const PASSWORD_FILE = 'c2d-dev-password'

// For development only: a crash of the machine (not of the server) may corrupt the data, and nothing waits for a disk.
const DEVELOPMENT_SETTINGS = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']
const SETTINGS = [
  ...DEVELOPMENT_SETTINGS,
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'timezone=UTC',
  'log_timezone=UTC',
  'max_connections=200',
]

/**
 * Starts a real PostgreSQL (DESIGN §6) that cannot outlive this process, for an ordinary user and for root alike; as
 * root it runs as the system's `postgres` or `nobody`. Ready means that a connection succeeded. Throws, with the
 * server's last lines, where the port is in use, the data directory is not one, or the server does not come up.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { port, onLog } = options
  await assertPortFree('PostgreSQL', port)
  const identity = await findServerIdentity()
  const { home, dataDir } = await placeServerFolders(options.dataDir, identity, onLog)
  const binaries = await preparePostgresBinaries({ home, identity, onLog })
  const password = (await loadPassword(dataDir)) ?? (await initialise({ binaries, identity, home, dataDir, onLog }))

  const child = spawnGuarded({
    command: binaries.postgres,
    args: ['-D', dataDir, '-p', String(port), ...SETTINGS.flatMap((setting) => ['-c', setting])],
    runAs: identity,
    stopSignal: 'SIGINT', // "fast" shutdown: ends sessions instead of waiting for them
    onLog,
  })
  const url = (database: string): string =>
    `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`
  await waitUntilReady(child, {
    name: 'PostgreSQL',
    probe: () => withClient(url('postgres'), () => Promise.resolve(true)),
    intervalMs: 25,
    timeoutMs: 30_000,
  })

  return {
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password,
    dataDir,
    pid: child.pid ?? 0,
    url,
    createDatabase: async (name) => {
      await withClient(url('postgres'), (client) => createDatabaseOnce(client, name))
      return url(name)
    },
    stop: async () => {
      await child.stop()
    },
  }
}

/** The password of an initialised data directory; undefined where there is none yet. */
async function loadPassword(dataDir: string): Promise<string | undefined> {
  try {
    return await readFile(join(dataDir, PASSWORD_FILE), 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

interface InitialiseOptions {
  readonly binaries: PostgresBinaries
  readonly identity: ServerIdentity | undefined
  readonly home: string
  readonly dataDir: string
  readonly onLog: ((line: string) => void) | undefined
}

/**
 * Runs initdb beside the data directory and renames the result into place, password included: an interrupted run
 * leaves no half-made data directory, and a folder with other content is never touched (rename refuses it).
 */
async function initialise({ binaries, identity, home, dataDir, onLog }: InitialiseOptions): Promise<string> {
  const password = randomBytes(24).toString('hex')
  const staging = await mkdtemp(join(home, '.initdb-'))
  try {
    const data = join(staging, 'data')
    const passwordFile = join(staging, 'password')
    await mkdir(data, { mode: 0o700 })
    await writeFile(passwordFile, password, { mode: 0o600 })
    if (identity) {
      await chmod(staging, 0o711)
      for (const path of [data, passwordFile]) await chown(path, identity.uid, identity.gid)
    }
    const child = spawnGuarded({
      command: binaries.initdb,
      args: [
        `--pgdata=${data}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--no-sync',
        '--no-instructions',
      ],
      runAs: identity,
      stopSignal: 'SIGTERM',
      onLog,
    })
    const exit = await child.exited
    if (exit.code !== 0) throw new Error(`initdb failed (exit code ${exit.code})\n${child.recentLog()}`)
    await rename(passwordFile, join(data, PASSWORD_FILE))
    await rename(data, dataDir)
    return password
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

async function withClient<T>(connectionString: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2_000 })
  // A session that the server ends emits this outside any query; the query, if there is one, rejects as well.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

async function createDatabaseOnce(client: pg.Client, name: string): Promise<void> {
  try {
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`)
  } catch (error) {
    // 42P04 duplicate_database; 23505: another session is creating it at this moment.
    if (!['42P04', '23505'].includes(errorCode(error))) throw error
  }
}
