import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach } from '@jest/globals'
import type { StepPublish } from '@c2d/contracts'

/** Where the volume of a job is; a new one for each test of the file that imports this. */
export let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'c2d-publishing-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

/** What an environment allows, as a test has it that says nothing of it. */
export const LIMITS: StepPublish = {
  maxFiles: 100,
  maxFileBytes: 1_000_000,
  maxTotalBytes: 10_000_000,
  archive: 'none',
  manifest: false,
}

/** Puts a file onto the volume, its own path being its content unless said otherwise. */
export async function put(path: string, content = path): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
}

/** Their paths, in their order. */
export function pathsOf(files: readonly { path?: string | undefined }[]): (string | undefined)[] {
  return files.map(({ path }) => path)
}
