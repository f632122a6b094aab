import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { spawnGuarded, type ChildExit } from '@c2d/dev-servers'
import type { LogFile } from './log-file.ts'
import type { Opener } from './opener.ts'

const READY_TIMEOUT_MS = 120_000
const POLL_MS = 25
const WATCH_MS = 500

/** One of the system's programs, and how it is told what to do. */
export interface ServiceSettings {
  readonly name: string
  /** What is executed: the absolute path of a program, and its arguments. */
  readonly command: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  /** Its own address; `/readyz` below it answers 200 when it can work. */
  readonly url: string
  readonly stopGraceMs?: number
  /** A program and its arguments, run when it has ended, however: it ends what this one leaves running. */
  readonly afterwards?: readonly [string, ...string[]]
}

/** A server whose end would be the end of the stack. */
export interface WatchedServer {
  readonly name: string
  readonly pid: number
  readonly log: LogFile
  /** How it ended, where that is known. */
  readonly exited?: Promise<ChildExit>
}

/** A server ended by itself, or never came up; the message carries its last lines. */
export class ServerError extends Error {
  constructor(name: string, what: string, log: LogFile) {
    super(`${name} ${what}\n\nits last lines (${log.path}):\n${log.recent() || '(none)'}`)
    this.name = 'ServerError'
  }
}

/** The path of a program of another workspace: `operator-engine`, `dist/main.js`. */
export function programOf(workspace: string, file: string): string {
  return join(dirname(createRequire(import.meta.url).resolve(`@c2d/${workspace}/package.json`)), file)
}

/** How that program runs under this Node: as its image starts it. */
export function nodeCommand(program: string): ServiceSettings['command'] {
  return [process.execPath, '--max-semi-space-size=2', '--enable-source-maps', program]
}

/**
 * Starts a program that cannot outlive this process. Resolves when it is ready.
 * @throws ServerError where it ends first, or is not ready in time
 */
export async function openService(settings: ServiceSettings, opener: Opener): Promise<WatchedServer> {
  const { command, name, url } = settings
  const log = await opener.openLog(name)
  const child = await opener.open(
    name,
    () =>
      Promise.resolve(
        spawnGuarded({
          command: command[0],
          args: command.slice(1),
          env: settings.env,
          stopSignal: 'SIGTERM',
          ...(settings.stopGraceMs !== undefined && { stopGraceMs: settings.stopGraceMs }),
          afterwards: settings.afterwards,
          onLog: log.write,
        }),
      ),
    async (running) => {
      await running.stop()
    },
  )
  let ended: ChildExit | undefined
  void child.exited.then((exit) => {
    ended = exit
  })
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (!(await isReady(url))) {
    if (ended) throw new ServerError(name, `ended while it was starting (${describeExit(ended)})`, log)
    if (Date.now() > deadline) throw new ServerError(name, `was not ready within ${READY_TIMEOUT_MS / 1000} s`, log)
    await sleep(POLL_MS)
  }
  return { name, pid: child.pid ?? 0, log, exited: child.exited }
}

/** Rejects with ServerError when the first of these ends by itself; never resolves. */
export async function watchServers(servers: readonly WatchedServer[]): Promise<never> {
  return Promise.race(
    servers.map(async ({ name, pid, log, exited }) => {
      const exit = await (exited ?? waitForEnd(pid))
      throw new ServerError(name, `ended by itself${exit ? ` (${describeExit(exit)})` : ''}`, log)
    }),
  )
}

async function waitForEnd(pid: number): Promise<undefined> {
  while (isAlive(pid)) await sleep(WATCH_MS, undefined, { ref: false })
  return undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // alive, but as another user
  }
}

function describeExit(exit: ChildExit): string {
  if (exit.error) return exit.error.message
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false // nothing listens yet
  }
}
