import { spawn } from 'node:child_process'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Whether a program can be run here. */
export async function isInstalled(program: string): Promise<boolean> {
  const tries = await Promise.all(
    ['/usr/local/bin', '/usr/bin', '/bin', ...(process.env['PATH'] ?? '').split(delimiter)].map((folder) =>
      access(join(folder, program)).then(
        () => true,
        () => false,
      ),
    ),
  )
  return tries.includes(true)
}

/**
 * Runs a program that others use for the same.
 * @param env in place of this process's own
 * @returns seconds
 * @throws Error when it fails
 */
export async function timeProgram(
  program: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<number> {
  const beganAt = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], ...(env && { env }) })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${program} ended with ${code}`)
  return (performance.now() - beganAt) / 1000
}
