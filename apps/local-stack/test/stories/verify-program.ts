import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { programOf } from '../../src/stack/service.ts'

const run = promisify(execFile)

/** How the program ended, and what it reported. */
export interface Verdict {
  readonly exitCode: number
  readonly report: string
}

/** Runs `c2d-verify` as an auditor would: a program of its own, with nothing but these arguments. */
export async function runVerify(...args: readonly string[]): Promise<Verdict> {
  const program = programOf('verify', 'bin/c2d-verify.mjs')
  try {
    const { stdout } = await run(process.execPath, [program, ...args], { timeout: 180_000 })
    return { exitCode: 0, report: stdout }
  } catch (error) {
    const { code, stderr, stdout } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (typeof code !== 'number') throw error
    return { exitCode: code, report: `${stdout ?? ''}${stderr ?? ''}` }
  }
}
