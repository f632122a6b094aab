// Copies what one app needs to run, and nothing else, into a folder: its own build, the workspaces it stands on, their
// dependencies. `node scripts/collect-app.mjs operator-engine /out`; the images are made of it.
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const [app, out] = process.argv.slice(2)
if (!app || !out) {
  process.stderr.write('node scripts/collect-app.mjs APP FOLDER\n')
  process.exit(2)
}

// What nothing loads when a program runs: declarations, maps and sources of dependencies, their tests and manuals.
const DEAD_WEIGHT = /\.(d\.[cm]?ts|[cm]?ts|map|md|markdown|flow)$/
const DEAD_FOLDERS = new Set(['test', 'tests', '__tests__', 'docs', 'example', 'examples', '.github'])
const copied = new Set()

copyWorkspace(join(ROOT, 'apps', app))
writeFileSync(join(out, 'package.json'), '{"type":"module"}\n')
writeFileSync(join(out, 'start.mjs'), `import './apps/${app}/dist/main.js'\n`)

function copyWorkspace(folder) {
  if (!claim(folder)) return
  for (const part of ['package.json', 'dist', 'algorithms', 'help.txt']) {
    if (existsSync(join(folder, part))) copy(join(folder, part), (path) => !/\.(d\.ts|tsbuildinfo)$/.test(path))
  }
  follow(folder)
}

function copyPackage(folder) {
  if (!claim(folder)) return
  copy(folder, (path) => {
    const inside = relative(folder, path)
    if (inside.split(sep)[0] === 'node_modules') return false // each of them is followed by its own name
    return !DEAD_WEIGHT.test(inside) && !DEAD_FOLDERS.has(inside)
  })
  follow(folder)
}

function follow(folder) {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = readManifest(folder)
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    const found = findPackage(name, folder)
    if (found === undefined) {
      // A platform's optional package, or a peer that npm was told not to install.
      if (name in dependencies && !(name in optionalDependencies))
        throw new Error(`${folder}: ${name} is not installed`)
      continue
    }
    const real = realpathSync(found)
    if (real === found) {
      copyPackage(real)
    } else {
      link(found, real)
      copyWorkspace(real)
    }
  }
}

/** Where Node would find a package that a module in `folder` imports. */
function findPackage(name, folder) {
  for (let at = folder; at.startsWith(ROOT); at = dirname(at)) {
    const candidate = join(at, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return candidate
  }
  return undefined
}

function claim(folder) {
  if (copied.has(folder)) return false
  return copied.add(folder)
}

function copy(from, filter) {
  cpSync(from, target(from), { recursive: true, verbatimSymlinks: true, filter })
}

function link(from, real) {
  const path = target(from)
  if (existsSync(path)) return
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(relative(dirname(from), real), path)
}

function target(path) {
  return join(resolve(out), relative(ROOT, path))
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
