// Makes a checkout runnable: installs the dependencies when they are missing or old, then builds. Needs Node and npm only.
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's own folder. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

const OLDEST_NODE = [20, 19]

/** Ends the program with a clear sentence where this Node is too old for the code that follows. */
export function assertNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const isEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
  if (isEnough) return
  process.stderr.write(
    `This needs Node.js ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      'Newer ones are at https://nodejs.org, or with nvm: nvm install 20\n',
  )
  process.exit(2)
}

/**
 * Installs what package-lock.json says, when node_modules is missing or older, and builds every workspace. One line each
 * with its seconds; a command that fails shows its output and ends the program with exit code 1.
 */
export async function prepare() {
  if (!isInstalled()) {
    await runQuietly('install the dependencies (npm ci)', npm(['ci', '--no-audit', '--no-fund']))
  }
  await runQuietly('build', npm(['run', '--silent', 'build', '--', '--output-logs=errors-only', '--ui=stream']))
}

function isInstalled() {
  const installed = join(ROOT, 'node_modules', '.package-lock.json') // npm writes it last
  if (!existsSync(installed)) return false
  return statSync(installed).mtimeMs >= statSync(join(ROOT, 'package-lock.json')).mtimeMs
}

/** npm as it runs us, else the one beside this Node: `npm` is a shell script on some systems. */
function npm(args) {
  const script = process.env.npm_execpath
  return script?.endsWith('.js') ? [process.execPath, [script, ...args]] : ['npm', args]
}

async function runQuietly(title, [command, args]) {
  const startedAt = performance.now()
  const isTerminal = process.stdout.isTTY === true
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  const draw = isTerminal ? setInterval(() => process.stdout.write(`\r  … ${title}  ${seconds()} `), 200) : undefined

  const { code, output } = await collect(command, args)
  clearInterval(draw)
  const start = isTerminal ? '\r' : ''
  if (code === 0) {
    process.stdout.write(`${start}  ✓ ${title}  ${seconds()}   \n`)
    return
  }
  process.stdout.write(`${start}  ✗ ${title}  ${seconds()}   \n`)
  process.stderr.write(
    `\n${output.trim()}\n\n${title} failed (${[command, ...args].join(' ')}); its output is above.\n`,
  )
  process.exit(1)
}

function collect(command, args) {
  return new Promise((resolve) => {
    const chunks = []
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', npm_config_update_notifier: 'false' },
      shell: process.platform === 'win32',
    })
    child.stdout.on('data', (chunk) => chunks.push(chunk))
    child.stderr.on('data', (chunk) => chunks.push(chunk))
    const output = () => Buffer.concat(chunks).toString('utf8')
    child.once('error', (error) => resolve({ code: 1, output: `${output()}\n${error.message}` }))
    child.once('close', (code) => resolve({ code: code ?? 1, output: output() }))
  })
}
