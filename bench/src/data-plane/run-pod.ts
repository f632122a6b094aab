import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** One run of a pod. */
export interface PodRun {
  /** From the line it begins to work with to its last; the program's start is not in it. */
  seconds: number
  /** From before the program's start to after its end. */
  wholeSeconds: number
  /** Most memory the process had, in MB of 10⁶ bytes. */
  peakMB: number
}

/** A built pod of ours. */
export interface PodProgram {
  name: 'pod-configuration' | 'pod-publishing'
  args: readonly string[]
  env?: Record<string, string>
  /** Begins the line that says that work begins; absent: the first line does. */
  beginsWith?: string
}

/** As the engine starts them. */
const POD_FLAGS = ['--max-semi-space-size=2']

/** Runs a pod to its end. @throws Error when it fails */
export async function runPod({ name, args, env = {}, beginsWith = '' }: PodProgram): Promise<PodRun> {
  const program = fileURLToPath(new URL(`../../../apps/${name}/dist/pod.mjs`, import.meta.url))
  const startedAt = performance.now()
  const child = spawn(process.execPath, [...POD_FLAGS, program, ...args], {
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const peak = watchPeak(child.pid ?? 0)
  let beganAt = 0
  let endedAt = 0
  let last = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (beganAt === 0 && line.startsWith(beginsWith)) beganAt = performance.now()
    endedAt = performance.now()
    last = line
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const peakMB = peak()
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${last}`)
  const wholeSeconds = (performance.now() - startedAt) / 1000
  return { seconds: (endedAt - beganAt) / 1000, wholeSeconds, peakMB }
}

/** The kernel keeps the highest resident set of a process; it is read until the process is gone. */
function watchPeak(pid: number): () => number {
  let peakKiB = 0
  const look = async (): Promise<void> => {
    const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    peakKiB = Math.max(peakKiB, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0))
  }
  const timer = setInterval(() => void look(), 20)
  return () => {
    clearInterval(timer)
    return (peakKiB * 1024) / 1e6
  }
}
