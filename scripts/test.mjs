// npm test: installs, builds, checks and tests everything, on a fresh clone too. `npm test -- --help` tells the options.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assertNodeVersion, prepare, ROOT } from './prepare.mjs'

const HELP = `npm test                     everything, in this order
npm test -- unit             only the named parts; any of:
  types        one TypeScript program over all sources and tests
  lint         eslint with types
  floors       which package may import which (dependency-cruiser)
  dead         unused files, exports and dependencies (knip)
  format       prettier
  unit         tests without network, database or chain
  integration  tests with a real PostgreSQL and a real chain
  e2e          the whole system, one paid job at a time
  kubernetes   jobs on the cluster that C2D_TEST_KUBECONFIG names, and on no other
`

const JEST = ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning', 'node_modules/jest/bin/jest.js']
const reports = mkdtempSync(join(tmpdir(), 'c2d-test-'))
const jest = (project, ...flags) => {
  const report = join(reports, `${project}.json`)
  return { args: [...JEST, '--selectProjects', project, '--json', '--outputFile', report, ...flags], report }
}
const bin = (path, ...args) => ({ args: [join('node_modules', path), ...args] })

const PARTS = {
  types: bin('typescript/bin/tsc', '-p', 'tsconfig.check.json'),
  lint: bin('eslint/bin/eslint.js', '.', '--max-warnings', '0'),
  floors: bin(
    'dependency-cruiser/bin/dependency-cruise.mjs',
    'apps',
    'packages',
    '--config',
    'dependency-cruiser.config.cjs',
    '--output-type',
    'err',
  ),
  dead: bin('knip/bin/knip.js', '--no-config-hints'),
  format: bin('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'),
  unit: jest('unit'),
  integration: jest('integration', '--maxWorkers', '2'),
  e2e: jest('e2e', '--runInBand'),
  // They attack the cluster: never on whatever KUBECONFIG happens to mean.
  ...(process.env.C2D_TEST_KUBECONFIG ? { kubernetes: jest('kubernetes', '--runInBand') } : {}),
}

const wanted = process.argv.slice(2)
if (wanted.includes('--help') || wanted.includes('-h')) {
  process.stdout.write(HELP)
  process.exit(0)
}
if (wanted.includes('kubernetes') && !process.env.C2D_TEST_KUBECONFIG) {
  process.stderr.write('Kubernetes tests need C2D_TEST_KUBECONFIG: the kubeconfig of a cluster they may attack.\n')
  process.exit(2)
}
const unknown = wanted.filter((name) => !(name in PARTS))
if (unknown.length > 0) {
  process.stderr.write(`There is no part ${unknown.join(', ')}.\n\n${HELP}`)
  process.exit(2)
}

assertNodeVersion()
await prepare()

const failed = []
const count = { passed: 0, failed: 0 }
for (const [name, { args, report }] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const startedAt = performance.now()
  process.stdout.write(`\n── ${name}\n`)
  const code = await run(args, report !== undefined)
  if (code !== 0) failed.push(name)
  if (report) addCounts(report)
  process.stdout.write(
    `── ${name}: ${code === 0 ? 'good' : 'FAILED'}, ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`,
  )
}
if (!process.env.C2D_TEST_KUBECONFIG) {
  process.stdout.write('\nKubernetes tests did not run: C2D_TEST_KUBECONFIG names no cluster.\n')
}
rmSync(reports, { recursive: true, force: true })
process.stdout.write(failed.length === 0 ? '\nAll good.\n' : `\nFailed: ${failed.join(', ')}\n`)
process.stdout.write(`${count.passed} passed, ${count.failed} failed\n`)
process.exit(failed.length === 0 ? 0 : 1)

function run(args, isJest) {
  return new Promise((resolve) => {
    // With --json jest prints its whole report to stdout too; what people read is on stderr.
    const stdio = ['ignore', isJest ? 'ignore' : 'inherit', 'inherit']
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio })
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal))
    child.once('close', (code) => resolve(code ?? 1))
  })
}

function addCounts(report) {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'))
    count.passed += numPassedTests
    count.failed += numFailedTests
  } catch {
    // jest could not even begin: its exit code tells, and there is nothing to count
  }
}
