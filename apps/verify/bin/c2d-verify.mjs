#!/usr/bin/env node
// npm links a command when it installs, which is before anything is built: so this file is no product of the build.
import { existsSync } from 'node:fs'

const program = new URL('../dist/c2d-verify.mjs', import.meta.url)
if (existsSync(program)) await import(program.href)
else {
  process.stderr.write('c2d-verify is not built yet: npm run build\n')
  process.exitCode = 2
}
