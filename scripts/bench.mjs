// npm run bench -- NAME: installs, builds, and measures. `npm run bench -- --help` names the benches.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { assertNodeVersion, prepare, ROOT } from './prepare.mjs'

const names = readdirSync(join(ROOT, 'bench', 'src'), { withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => entry.name.slice(0, -'.ts'.length))
  .sort()
const [name, ...rest] = process.argv.slice(2)
const help = `npm run bench -- NAME [options]\n\nNAME is one of: ${names.join(', ')}. What each measures: bench/README.md.\n`

if (name === undefined || name === '--help' || name === '-h') {
  process.stdout.write(help)
  process.exit(name === undefined ? 2 : 0)
}
if (!names.includes(name)) {
  process.stderr.write(`There is no bench ${name}.\n\n${help}`)
  process.exit(2)
}
assertNodeVersion()
await prepare()
const child = spawn(process.execPath, [join(ROOT, 'bench', 'dist', `${name}.js`), ...rest], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.once('exit', (code) => process.exit(code ?? 1))
