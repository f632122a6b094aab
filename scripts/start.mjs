// npm start: installs, builds, and runs the whole system with one real job. `npm start -- --help` tells the options.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assertNodeVersion, prepare, ROOT } from './prepare.mjs'

const app = join(ROOT, 'apps', 'local-stack')
const args = process.argv.slice(2)

if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(readFileSync(join(app, 'help.txt'), 'utf8'))
  process.exit(0)
}

assertNodeVersion()
await prepare()

const child = spawn(process.execPath, [join(app, 'dist', 'main.js'), ...args], { stdio: 'inherit' })
// In a terminal Ctrl-C reaches the child as well; it takes signals that come together for one.
process.on('SIGINT', () => child.kill('SIGINT'))
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill('SIGTERM'))
child.once('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
child.once('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
