import { chmodSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import type { Executor } from '../../src/executor/executor.ts'
import { createProcessExecutor } from '../../src/executor/process/create-process-executor.ts'
import { detectInterpreters } from '../../src/executor/sandbox/interpreters.ts'
import type { Sandbox } from '../../src/executor/sandbox/sandbox.ts'
import type { ExecutorUnderTest } from './executor-conformance.ts'

const SOURCE = resolve(import.meta.dirname, '../../src/executor')

/** Compiles one of our programs into a folder: what runs as a process of its own cannot be TypeScript. */
export async function compileProgram(source: string, folder: string): Promise<string> {
  const outfile = join(folder, `${source.replaceAll('/', '-').replace(/\.ts$/, '')}.mjs`)
  await build({
    entryPoints: [join(SOURCE, source)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  })
  return outfile
}

/** Processes of this machine whose command line holds a text. */
export async function countProcesses(token: string): Promise<number> {
  let count = 0
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (line.includes(token)) count += 1
  }
  return count
}

/** A process executor in a folder of its own, with the compiled runner. */
export interface ProcessSetup extends ExecutorUnderTest {
  readonly root: string
  readonly runnerPath: string
  readonly folder: string
  makeExecutor(): Promise<Executor>
}

/** Sets up process executors that share one root and use one sandbox. */
export async function setUpProcess(sandbox: Sandbox): Promise<ProcessSetup> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d executor-'))
  chmodSync(folder, 0o755)
  const root = join(folder, 'jobs')
  const runnerPath = await compileProgram('process/step-runner.ts', folder)
  const interpreters = await detectInterpreters()
  return {
    root,
    runnerPath,
    folder,
    countProcesses,
    backstopMs: 4_000,
    makeExecutor: () => createProcessExecutor({ root, sandbox, interpreters, runnerPath }),
    close: () => rm(folder, { recursive: true, force: true }),
  }
}
