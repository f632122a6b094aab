import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { spawnGuarded, type ChildExit } from '@c2d/dev-servers'
import type { LogFile } from './log-file.ts'

const READY_TIMEOUT_MS = 60_000
const POLL_MS = 25

/** One of the system's programs, and how it is told what to do. */
export interface ServiceOptions {
  readonly name: string
  /** The path of its main module. */
  readonly program: string
  readonly env: Readonly<Record<string, string>>
  /** Its own address; `/readyz` below it answers 200 when it can work. */
  readonly url: string
  readonly stopGraceMs?: number
}

/** A program of the system, running as a process of its own. */
export interface Service {
  readonly name: string
  readonly url: string
  readonly pid: number
  /** Settles when it has ended, for whatever reason. */
  readonly exited: Promise<ChildExit>
  /** The last lines it said. */
  recentLog(): string
  stop(): Promise<void>
}

/** A program ended, or never came up; the message carries its last lines. */
export class ServiceError extends Error {
  constructor(name: string, what: string, log: { readonly path: string; readonly lines: string }) {
    super(`${name} ${what}\n\nits last lines (${log.path}):\n${log.lines || '(none)'}`)
    this.name = 'ServiceError'
  }
}

/** The path of a program of another workspace: `operator-engine`, `dist/main.js`. */
export function programOf(workspace: string, file: string): string {
  return join(dirname(createRequire(import.meta.url).resolve(`@c2d/${workspace}/package.json`)), file)
}

/**
 * Starts a program that cannot outlive this process. Resolves when it is ready.
 * @throws ServiceError where it ends first, or is not ready in time
 */
export async function startService(options: ServiceOptions, deps: { readonly log: LogFile }): Promise<Service> {
  const { name, url } = options
  const child = spawnGuarded({
    command: process.execPath,
    args: ['--enable-source-maps', options.program],
    env: options.env,
    stopSignal: 'SIGTERM',
    ...(options.stopGraceMs !== undefined && { stopGraceMs: options.stopGraceMs }),
    onLog: deps.log.write,
  })
  const lines = () => ({ path: deps.log.path, lines: child.recentLog() })
  let ended: ChildExit | undefined
  void child.exited.then((exit) => {
    ended = exit
  })
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (!(await isReady(url))) {
    if (ended) throw new ServiceError(name, `ended while it was starting (${describeExit(ended)})`, lines())
    if (Date.now() > deadline) {
      await child.stop()
      throw new ServiceError(name, `was not ready within ${READY_TIMEOUT_MS / 1000} s`, lines())
    }
    await sleep(POLL_MS)
  }
  return {
    name,
    url,
    pid: child.pid ?? 0,
    exited: child.exited,
    recentLog: child.recentLog,
    stop: async () => {
      await child.stop()
    },
  }
}

/** How a process ended, in words. */
export function describeExit(exit: ChildExit): string {
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
