import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const POLL_MS = 100

interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  /** Pid and start time: a pid alone may be somebody else's later. */
  readonly identity: string
  readonly command: string
}

async function listProcesses(): Promise<ProcessEntry[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,stat=,lstart=,args='], { maxBuffer: 16 * 1024 * 1024 })
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, state, started, command] =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/.exec(line) ?? []
    if (pid === undefined || state === undefined || state.startsWith('Z')) return []
    return [{ pid: Number(pid), parent: Number(parent), identity: `${pid} ${started ?? ''}`, command: command ?? '' }]
  })
}

/** Everything a process ever started, as far as a look every 100 ms sees it. */
export interface ProcessFamily {
  /** How many members were seen so far. */
  size(): number
  /** The pid of the member whose command contains this text; throws where none was seen. */
  pidOf(text: string): number
  /** The pid of the first member whose command contains this text, waited for. */
  appeared(text: string): Promise<number>
  /** Commands of members that are still there after `graceMs`. */
  survivors(graceMs: number): Promise<string[]>
  /** Ends the watching. */
  stop(): void
}

/** Watches the descendants of a process, whatever session or group they move to. */
export function watchFamily(rootPid: number): ProcessFamily {
  const members = new Map<string, ProcessEntry>()
  const watching = new AbortController()
  const look = async (): Promise<void> => {
    const all = await listProcesses()
    const pids = new Set([rootPid, ...all.filter(({ identity }) => members.has(identity)).map(({ pid }) => pid)])
    for (let grown = true; grown;) {
      grown = false
      for (const entry of all) {
        if (pids.has(entry.pid) || !pids.has(entry.parent)) continue
        pids.add(entry.pid)
        members.set(entry.identity, entry)
        grown = true
      }
    }
  }
  void (async () => {
    while (!watching.signal.aborted) {
      await look()
      await sleep(POLL_MS)
    }
  })()
  const find = (text: string) => [...members.values()].find(({ command }) => command.includes(text))
  return {
    size: () => members.size,
    pidOf: (text) => {
      const found = find(text)
      if (!found) throw new Error(`no process ${text}`)
      return found.pid
    },
    appeared: async (text) => {
      for (;;) {
        const found = find(text)
        if (found) return found.pid
        await sleep(POLL_MS)
      }
    },
    stop: () => {
      watching.abort()
    },
    survivors: async (graceMs) => {
      const deadline = Date.now() + graceMs
      for (;;) {
        await look() // a member that is still there may have had another child
        const alive = (await listProcesses()).filter(({ identity }) => members.has(identity))
        if (alive.length > 0 && Date.now() <= deadline) {
          await sleep(POLL_MS)
          continue
        }
        watching.abort()
        return alive.map(({ command }) => command)
      }
    },
  }
}
