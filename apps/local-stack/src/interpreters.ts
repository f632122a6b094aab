import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Whether this machine has a Python 3 that starts. */
export async function hasPython(path: string): Promise<boolean> {
  try {
    await run('python3', ['-c', 'import csv, json'], { env: { PATH: path }, timeout: 20_000 })
    return true
  } catch {
    return false // not installed, or a stub that only says how to install it
  }
}
