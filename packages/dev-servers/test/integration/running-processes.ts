import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'

/** One process that is running; those that only wait to be reaped are not. */
export interface RunningProcess {
  readonly pid: number
  readonly parentPid: number
  readonly uid: number
  readonly command: string
}

/** All running processes of this machine, except the one that lists them. */
export async function listRunning(): Promise<RunningProcess[]> {
  const listing = promisify(execFile)('ps', ['-axo', 'pid=,ppid=,uid=,stat=,command='], { maxBuffer: 1 << 25 })
  const own = listing.child.pid
  const { stdout } = await listing
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([pid, , , stat]) => pid !== undefined && pid !== '' && Number(pid) !== own && !stat?.startsWith('Z'))
    .map(([pid, parentPid, uid, , ...command]) => ({
      pid: Number(pid),
      parentPid: Number(parentPid),
      uid: Number(uid),
      command: command.join(' '),
    }))
}

/** The children of this process that are running. */
export async function listOwnChildren(): Promise<RunningProcess[]> {
  return (await listRunning()).filter(({ parentPid }) => parentPid === process.pid)
}

/** Whether that process is running. */
export async function isRunning(pid: number): Promise<boolean> {
  return (await listRunning()).some((running) => running.pid === pid)
}

/** Milliseconds until that process is gone; throws after ten seconds. */
export async function waitUntilGone(pid: number): Promise<number> {
  const start = Date.now()
  while (await isRunning(pid)) {
    if (Date.now() - start > 10_000) throw new Error(`process ${pid} is still running`)
    await sleep(50)
  }
  return Date.now() - start
}
