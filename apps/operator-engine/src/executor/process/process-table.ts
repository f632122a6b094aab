import { readFileSync, readdirSync } from 'node:fs'
import { STEP_MARK } from '../sandbox/sandbox.ts'

const PAGE_BYTES = 4096

/** Names one process for good: a pid alone is used again after a while, and all of them after a reboot. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks between boot and the process's start, as the kernel writes them. */
  readonly startTicks: string
  readonly bootId: string
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process ended meanwhile, or is not ours to look at: for the reader it is not there.
    return null
  }
}

function readStartTicks(pid: number): string | null {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The name stands in parentheses and may hold anything, parentheses too; fields are counted after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  return state === 'Z' || state === 'X' ? null : (fields[19] ?? null)
}

function readBootId(): string {
  return (read('/proc/sys/kernel/random/boot_id') ?? '').trim()
}

/** The identity of a living process; null when there is none by that pid, or only its corpse. */
export function readIdentity(pid: number): ProcessIdentity | null {
  const startTicks = readStartTicks(pid)
  return startTicks === null ? null : { pid, startTicks, bootId: readBootId() }
}

/** Whether that very process still lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  return readStartTicks(identity.pid) === identity.startTicks && readBootId() === identity.bootId
}

/** Sends a signal; false when the process is gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    // ESRCH: gone, which is what a signal was meant to bring about. EPERM: the pid is already somebody else's.
    return false
  }
}

/** Every process below `pid`, through all namespaces, without itself. */
export function listDescendants(pid: number): number[] {
  const found: number[] = []
  const open = [pid]
  for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
    for (const thread of readThreads(parent)) {
      const text = read(`/proc/${parent}/task/${thread}/children`) ?? ''
      const children = text.split(' ').filter(Boolean).map(Number)
      found.push(...children)
      open.push(...children)
    }
  }
  return found
}

function readThreads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    // Ended meanwhile.
    return []
  }
}

/** A process's pid in its innermost pid namespace; null when it lives in ours, or is gone. */
export function readInnerPid(pid: number): number | null {
  const line = /^NSpid:\t(.*)$/m.exec(read(`/proc/${pid}/status`) ?? '')
  const pids = (line?.[1] ?? '').trim().split(/\s+/).map(Number)
  // How deep we ourselves are does not matter: whatever has one number more than we see lives in a namespace below.
  return pids.length > 1 && pids[0] === pid ? (pids.at(-1) ?? null) : null
}

/** Number of threads of these processes together. */
export function countThreads(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readThreads(pid).length, 0)
}

/**
 * Memory that these processes hold together, in bytes. Cheap as long as the resident sizes stay below `limitBytes`; above it, pages that
 * several of them share are counted once, as a forked family would otherwise be charged for one array many times.
 */
export function readMemory(pids: readonly number[], limitBytes: number): number {
  const resident = pids.reduce(
    (sum, pid) => sum + Number((read(`/proc/${pid}/statm`) ?? '').split(' ')[1] ?? 0) * PAGE_BYTES,
    0,
  )
  if (resident <= limitBytes) return resident
  return pids.reduce((sum, pid) => sum + readProportional(pid), 0)
}

function readProportional(pid: number): number {
  const kib = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1]
  if (kib !== undefined) return Number(kib) * 1024
  return Number((read(`/proc/${pid}/statm`) ?? '').split(' ')[1] ?? 0) * PAGE_BYTES
}

/** Every process of this machine whose environment carries a step mark that begins with `prefix`. Reads them all: not for hot paths. */
export function listMarked(prefix: string): number[] {
  const needle = `${STEP_MARK}=${prefix}`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(
      (pid) =>
        pid !== process.pid &&
        (read(`/proc/${pid}/environ`) ?? '').split('\0').some((entry) => entry.startsWith(needle)),
    )
}
