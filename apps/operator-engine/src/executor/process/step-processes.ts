import type { ProcessIdentity } from './process-table.ts'
import { isAlive, listDescendants, listMarked, readIdentity, readInnerPid, sendSignal } from './process-table.ts'

const POLL_MS = 10
const KILL_WAIT_MS = 10_000

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The polite end. An isolated step's own processes are told, not those that hold its sandbox together: their end would be the hard one. */
export function terminateStep(pid: number, isolated: boolean): void {
  if (!isolated) {
    sendSignal(-pid, 'SIGTERM')
    return
  }
  for (const descendant of listDescendants(pid)) {
    const inner = readInnerPid(descendant)
    if (inner !== null && inner !== 1) sendSignal(descendant, 'SIGTERM')
  }
}

/** The end by force of a step's process, its group and everything below. */
export function killStep(pid: number): void {
  // The first process of a pid namespace takes all others with it, and cannot be outrun by forking.
  for (const descendant of listDescendants(pid)) sendSignal(descendant, 'SIGKILL')
  sendSignal(-pid, 'SIGKILL')
}

/** The first process of the pid namespace below `pid`: as long as it lives, something in there may. Null when there is none. */
export function findNamespaceInit(pid: number): ProcessIdentity | null {
  const init = listDescendants(pid).find((descendant) => readInnerPid(descendant) === 1)
  return init === undefined ? null : readIdentity(init)
}

/** Waits until a process is gone. @throws Error when it does not go although it was killed */
export async function waitUntilGone(identity: ProcessIdentity): Promise<void> {
  for (let waitedMs = 0; isAlive(identity); waitedMs += POLL_MS) {
    if (waitedMs > KILL_WAIT_MS) throw new Error(`process ${identity.pid} does not end`)
    sendSignal(identity.pid, 'SIGKILL')
    await sleep(POLL_MS)
  }
}

/**
 * Kills every process whose mark begins with `prefix`, and everything below it, until none is left: for steps whose runner is gone.
 * @throws Error when some do not go
 */
export async function killMarked(prefix: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const marked = listMarked(prefix)
    if (marked.length === 0) return
    if (waitedMs > KILL_WAIT_MS) throw new Error(`processes ${marked.join(', ')} do not end`)
    for (const pid of marked) {
      const inits = listDescendants(pid).flatMap((descendant) => readIdentity(descendant) ?? [])
      sendSignal(pid, 'SIGKILL')
      for (const identity of inits) await waitUntilGone(identity)
    }
    await sleep(POLL_MS)
  }
}
