import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ENGINE_ROLE, MIGRATIONS, SERVICE_ROLE, setPodPassword } from '@c2d/operator-db'
import { migrateToLatest, openDatabase } from '@c2d/postgres'
import { createTestDatabase, podDatabaseUrl, TEST_POD_PASSWORD } from '@c2d/testing'

// What is started here is built by `npx tsc -b apps/operator-service apps/operator-engine` and `npm run build`.
const APPS = fileURLToPath(new URL('../../../', import.meta.url))
const ENVIRONMENT_KEY = `0x${'01'.repeat(32)}`

/** Operator-service and operator-engine as an operator runs them: two processes, each with the rights of its role. */
export interface ServiceAndEngine {
  /** Of operator-service. */
  url: string
  /** `http://host:port` of a server that has `/a.csv` and `/b.csv`. */
  origin: string
  /** What both wrote. */
  output(): string
  close(): Promise<void>
}

/** Starts both; ready when the service lists the environment. @param options.allowedProvider who may sign requests */
export async function startServiceAndEngine(options: {
  environment: string
  allowedProvider: string
}): Promise<ServiceAndEngine> {
  const database = await createTestDatabase({
    template: 'operator-db',
    migrate: async (url) => {
      const db = openDatabase({ url, applicationName: 'template' })
      await migrateToLatest(db, MIGRATIONS)
      await db.destroy()
    },
  })
  const db = openDatabase({ url: database.url, applicationName: 'whole job', maxConnections: 1 })
  await setPodPassword(db, TEST_POD_PASSWORD)
  await db.destroy()
  const folder = await mkdtemp(join(tmpdir(), 'c2d-whole-job-'))
  const origin = createServer((request, response) => response.end(`${request.url ?? ''}\n`))
  const originAddress = `127.0.0.1:${await listenOn(origin)}`
  const children: ChildProcess[] = []
  let output = ''
  const start = (app: string, env: Record<string, string>): void => {
    const child = spawn(process.execPath, [join(APPS, app, 'dist/main.js')], {
      env: {
        PATH: process.env['PATH'] ?? '',
        RESULTS_FOLDER: join(folder, 'results'),
        ENGINE_SECRET: 'shared',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    children.push(child)
  }
  const close = async (): Promise<void> => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    origin.closeAllConnections()
    await new Promise((resolve) => origin.close(resolve))
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }

  const url = `http://127.0.0.1:${await findPort()}`
  start('operator-service', {
    DATABASE_URL: withRole(database.url, SERVICE_ROLE),
    OPERATOR_URL: url,
    ALLOWED_PROVIDERS: JSON.stringify([options.allowedProvider.toLowerCase()]),
  })
  start('operator-engine', {
    DATABASE_URL: withRole(database.url, ENGINE_ROLE),
    POD_DATABASE_URL: podDatabaseUrl(database.url),
    ENVIRONMENTS: JSON.stringify([{ id: options.environment, privateKey: ENVIRONMENT_KEY, maxJobDuration: 60 }]),
    WORKSPACES_FOLDER: join(folder, 'workspaces'),
    POD_CONFIGURATION_PROGRAM: join(APPS, 'pod-configuration/dist/pod.mjs'),
    POD_PUBLISHING_PROGRAM: join(APPS, 'pod-publishing/dist/pod.mjs'),
    OUTBOUND_ALLOW: originAddress,
    HEALTH_HOST: '127.0.0.1',
    HEALTH_PORT: '0',
  })
  const giveUpAtMs = Date.now() + 40_000
  while (!(await listsEnvironment(url, options.environment))) {
    const isOver = children.some((child) => child.exitCode !== null)
    if (isOver || Date.now() > giveUpAtMs) {
      await close()
      throw new Error(`not ready:\n${output}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { url, origin: `http://${originAddress}`, output: () => output, close }
}

function withRole(databaseUrl: string, role: string): string {
  const url = new URL(databaseUrl)
  url.searchParams.set('options', `-c timezone=UTC -c role=${role}`)
  return url.href
}

async function listsEnvironment(url: string, environment: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/api/v1/operator/environments?chainId=8996`)
    return ((await response.json()) as { id: string }[]).some(({ id }) => id === environment)
  } catch {
    return false // it does not listen yet
  }
}

async function listenOn(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function findPort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
