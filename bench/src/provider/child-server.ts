import { appendFile, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isPortFree, spawnGuarded } from '@c2d/dev-servers'
import type { Cleanup } from '../lib/cleanup.ts'

/** A Node program that serves HTTP on 127.0.0.1. */
export interface ChildProgram {
  name: string
  args: readonly string[]
  env?: Record<string, string>
  port: number
  /** Where its output goes: production logs, and nobody reads them while something is measured. */
  logPath: string
}

/** A running one. */
export interface ChildServer {
  pid: number
  url: string
  stop(): Promise<void>
}

const READY_TIMEOUT_MS = 60_000
/** What images start their service with (Dockerfile). */
export const SERVICE_FLAGS = ['--max-semi-space-size=2']
const POLL_MS = 20

/**
 * Starts a program as a process of its own; resolves when it listens. It cannot outlive this process.
 * @throws Error with its output when it ends first, or does not listen in time
 */
export async function startChildServer(program: ChildProgram, cleanup: Cleanup): Promise<ChildServer> {
  const { name, args, env, port, logPath } = program
  await appendFile(logPath, '')
  const child = spawnGuarded({
    command: '/bin/sh',
    args: ['-c', 'log=$1; shift; exec "$@" >>"$log" 2>&1', 'sh', logPath, process.execPath, ...args],
    stopSignal: 'SIGTERM',
    ...(env && { env }),
  })
  const stop = async (): Promise<void> => {
    await child.stop()
  }
  cleanup.add(stop)
  const ended: unknown[] = []
  void child.exited.then((exit) => ended.push(exit))
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (await isPortFree(port)) {
    if (ended.length > 0 || performance.now() > deadline) {
      throw new Error(`${name} ${ended.length > 0 ? 'ended' : 'does not listen'}:\n${await readFile(logPath, 'utf8')}`)
    }
    await sleep(POLL_MS)
  }
  return { pid: child.pid ?? 0, url: `http://127.0.0.1:${port}`, stop }
}
