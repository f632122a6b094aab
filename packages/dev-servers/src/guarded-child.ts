import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** How to start a guarded child, and how it is asked to end. */
export interface GuardedChildOptions {
  /** The program's absolute path. It is executed itself, so `pid`, signals and the exit code are its own. */
  readonly command: string
  readonly args: readonly string[]
  /** The child's whole environment: nothing is inherited, so a developer's PG* or proxy settings cannot leak in. */
  readonly env?: Readonly<Record<string, string>>
  /** Run as this user and group (only root can); default: as ourselves. */
  readonly runAs?: { readonly uid: number; readonly gid: number } | undefined
  /** The signal that asks for an orderly end, from `stop()` and from the watchdog alike. */
  readonly stopSignal: 'SIGINT' | 'SIGTERM'
  /** Time between that signal and SIGKILL; default 5 000 ms. */
  readonly stopGraceMs?: number
  /** A program and its arguments, run once the child has ended, also where we are gone by then: it ends what the child leaves. */
  readonly afterwards?: readonly [string, ...string[]] | undefined
  /** Receives every line the child prints, on either stream. */
  readonly onLog?: ((line: string) => void) | undefined
}

/** How a child ended. `error` is set where it could not be started at all. */
export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error?: Error
}

/** A running child that cannot outlive this process. */
export interface GuardedChild {
  /** The program's process id, or undefined where it could not be started. */
  readonly pid: number | undefined
  /** Settles once, when the child has ended, and what comes afterwards; never rejects. */
  readonly exited: Promise<ChildExit>
  /** The last lines it printed, for error messages. */
  recentLog(): string
  /** Asks for an orderly end, kills after the grace period, and resolves when the child is gone. Safe to repeat. */
  stop(): Promise<ChildExit>
}

// Two processes, both ours to reap. The watchdog reads a pipe whose other end only our process holds, so the kernel
// closes it however we end, SIGKILL included. A second line there means "the child has ended, its pid may be somebody
// else's by now: leave it"; end of file means that we are gone. Then it becomes what comes afterwards.
const WATCHDOG_SCRIPT = `
signal=$1 tenths=$2
shift 2
read -r server || exit 0
if ! read -r ended && kill -s "$signal" "$server"; then
  while [ "$tenths" -gt 0 ] && kill -0 "$server"; do sleep 0.1; tenths=$((tenths - 1)); done
  kill -s KILL "$server"
fi
[ "$#" = 0 ] || exec "$@"
`

// The child waits at a gate that opens once the watchdog knows its pid: there is no moment without a guard. Then the
// shell becomes the program.
const GATE_SCRIPT = 'read -r open <&3 || exit 1; exec "$@" 3<&-'

const RECENT_LINES = 40

/**
 * Starts a program that cannot outlive this process, on Linux and macOS: when we end, in whatever way, it is asked to
 * stop and, after the grace period, killed. It gets its own session, so Ctrl-C in a terminal reaches only us and the
 * order of shutdown stays ours.
 */
export function spawnGuarded(options: GuardedChildOptions): GuardedChild {
  const stopGraceMs = options.stopGraceMs ?? 5_000
  const graceTenths = String(Math.ceil(stopGraceMs / 100))
  const common = {
    // A folder that every user may enter: a server that drops root's identity must not trip over our own.
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', ...options.env },
    detached: true,
    ...(options.runAs && { uid: options.runAs.uid, gid: options.runAs.gid }),
  }
  const watchdogArgs = [options.stopSignal.slice(3), graceTenths, ...(options.afterwards ?? [])]
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG_SCRIPT, 'watchdog', ...watchdogArgs], {
    ...common,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const child = spawn('/bin/sh', ['-c', GATE_SCRIPT, 'gate', options.command, ...options.args], {
    ...common,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const gate = child.stdio[3]
  if (!(gate instanceof Writable)) throw new Error(`${options.command} could not be started: no pipe to its gate`)

  const recent: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      recent.push(line)
      if (recent.length > RECENT_LINES) recent.shift()
      options.onLog?.(line)
    })
  }

  // Writing fails only where the reader is gone, and both events below tell of that.
  watchdog.stdin.on('error', () => undefined)
  gate.on('error', () => undefined)
  watchdog.stdin.write(`${child.pid}\n`, (error) => {
    if (error) gate.destroy()
    else gate.end('open\n')
  })

  let ended = false
  const send = (signal: NodeJS.Signals): void => {
    // Never after the child was reaped: its pid may be somebody else's.
    if (!ended) child.kill(signal)
  }
  const watchdogEnded = new Promise<void>((resolve) => {
    const settle = (): void => {
      gate.destroy()
      send(options.stopSignal) // a child that lost its guard does not go on without it
      resolve()
    }
    watchdog.once('exit', settle)
    watchdog.once('error', settle)
  })
  const childEnded = new Promise<ChildExit>((resolve) => {
    const settle = (exit: ChildExit): void => {
      ended = true
      watchdog.stdin.end('ended\n')
      resolve(exit)
    }
    child.once('exit', (code, signal) => settle({ code, signal }))
    child.once('error', (error) => settle({ code: null, signal: null, error }))
  })
  const exited = Promise.all([childEnded, watchdogEnded]).then(([exit]) => exit)

  return {
    pid: child.pid,
    exited,
    recentLog: () => recent.join('\n'),
    stop: async () => {
      send(options.stopSignal)
      const timer = setTimeout(() => send('SIGKILL'), stopGraceMs)
      try {
        return await exited
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
