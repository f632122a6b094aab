import { readFileSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { STEP_MARK } from '../../src/executor/sandbox/sandbox.ts'

/** Every process of a step below this folder, sandboxes and runners included. */
export function listStepProcesses(workspaces: string): number[] {
  const needle = `${STEP_MARK}=${workspaces}/`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => readProc(pid, 'environ').includes(needle))
}

/** The runner of a step, as it named itself; null before it began. */
export async function findRunner(workspaces: string, jobId: string, step: string): Promise<number | null> {
  const path = join(workspaces, jobId, 'control', step, 'started.json')
  const text = await readFile(path, 'utf8').catch(() => '')
  return Number(/"pid":(\d+)/.exec(text)?.[1] ?? 0) || null
}

/** The pod below a runner; not what the runner starts for its own needs. */
export function listPods(runner: number): number[] {
  const children = readProc(runner, `task/${runner}/children`).split(' ').filter(Boolean).map(Number)
  return children.filter((pid) => readProc(pid, 'cmdline').includes('pod.mjs'))
}

/** Whether the process lives; a corpse nobody has buried does not. */
export function isRunning(pid: number): boolean {
  const stat = readProc(pid, 'stat')
  return stat !== '' && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return '' // it ended meanwhile: for whoever looks it is not there
  }
}
