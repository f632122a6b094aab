import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

/** Kernel ticks a second, of the times in /proc: fixed for programs on Linux. */
const TICKS_PER_SECOND = 100

/** A running engine that can be measured from outside. */
export interface EngineProcess {
  /** Its resident memory now, in megabytes (10⁶). */
  memoryMB: () => number
  /** Processor time it has used so far, in seconds. */
  cpuSeconds: () => number
  kill: () => Promise<void>
}

/** Starts the engine; resolves when it answers. @throws Error with its output when it ends before */
export async function startEngineProcess(program: {
  entry: string
  env: Record<string, string>
}): Promise<EngineProcess> {
  const child = spawn(process.execPath, [program.entry], { env: program.env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-10_000)
      if (output.includes('health served')) resolve()
    }
    child.stdout.on('data', look)
    child.stderr.on('data', look)
    void exited.then(() => reject(new Error(`the engine ended before it was ready:\n${output}`)))
  })
  const stat = (): string[] => {
    const text = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  }
  return {
    memoryMB: () => {
      const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
      return (Number(kilobytes) * 1024) / 1e6
    },
    cpuSeconds: () => (Number(stat()[11]) + Number(stat()[12])) / TICKS_PER_SECOND,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
