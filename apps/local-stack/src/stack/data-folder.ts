import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { UsageError } from '../options.ts'

const MARKER = '.c2d-local-stack'

/** Where a run keeps everything. */
export interface DataFolder {
  readonly path: string
  /** Whether it was made for this run alone. */
  readonly isTemporary: boolean
  /** Removes what the run left behind: the folder, or, where the user named it, its content. */
  remove(): Promise<void>
}

/**
 * A fresh folder for a run.
 * @param wanted the folder the user named; it must be empty, absent or of an earlier run, whose content goes
 * @throws UsageError where it is anything else, cannot be made, or where the earlier run is still up
 */
export async function openDataFolder(wanted: string | undefined): Promise<DataFolder> {
  if (wanted === undefined) {
    const path = await mkdtemp(join(tmpdir(), 'c2d-local-stack-'))
    await mark(path)
    return { path, isTemporary: true, remove: () => rm(path, { recursive: true, force: true }) }
  }
  const path = resolve(wanted)
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    const { code = 'it' } = error as NodeJS.ErrnoException // EEXIST and ENOTDIR: a file; EACCES, EROFS: not ours
    throw new UsageError(`--data ${wanted}: cannot be a folder (${code}). Name another one.`)
  }
  const names = await readdir(path)
  if (names.length > 0) {
    if (!names.includes(MARKER)) {
      throw new UsageError(`--data ${wanted}: the folder holds other files. Name an empty one, or a new one.`)
    }
    const pid = Number(await readFile(join(path, MARKER), 'utf8'))
    if (isRunning(pid)) {
      throw new UsageError(`--data ${wanted}: process ${pid} uses the folder. End it, or name another folder.`)
    }
  }
  await empty(path)
  await mark(path)
  return { path, isTemporary: false, remove: () => empty(path) }
}

async function mark(path: string): Promise<void> {
  // Servers that run as another user pass through; nobody else lists it.
  await chmod(path, 0o711)
  await writeFile(join(path, MARKER), `${process.pid}\n`)
}

async function empty(path: string): Promise<void> {
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true })
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // alive, somebody else's
  }
}
