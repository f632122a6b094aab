// npm test: installs, builds, checks and tests everything, on a fresh clone too. `npm test -- --help` tells the options.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { assertNodeVersion, prepare, ROOT } from './prepare.mjs'
import { runJestProject } from './second-chance.mjs'

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
npm test -- integration apps/provider/test    of these parts only the test files of these paths
npm test -- --again          test files of integration, e2e and kubernetes that fail run once more, alone; one that then
                             passes is named at the very end, as unstable, and is to be mended. For machines with other
                             work to do (.ci/run), where a test may miss what it waits for. What fails alone, fails.
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

const given = process.argv.slice(2)
const again = given.includes('--again')
const paths = given.filter((word) => word.includes('/'))
const wanted = given.filter((word) => word !== '--again' && !paths.includes(word))
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
if (paths.length > 0 && (wanted.length === 0 || wanted.some((name) => PARTS[name].report === undefined))) {
  process.stderr.write(`Paths are for unit, integration, e2e and kubernetes: name one of them first.\n\n${HELP}`)
  process.exit(2)
}

assertNodeVersion()
await prepare()

const failed = []
const unstable = []
const count = { passed: 0, failed: 0 }
for (const [name, { args, report }] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const startedAt = performance.now()
  process.stdout.write(`\n── ${name}\n`)
  const isGood = report ? await runTests(name, args, report) : (await run(args, 'inherit')) === 0
  if (!isGood) failed.push(name)
  process.stdout.write(
    `── ${name}: ${isGood ? 'good' : 'FAILED'}, ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`,
  )
}
if (!process.env.C2D_TEST_KUBECONFIG) {
  process.stdout.write('\nKubernetes tests did not run: C2D_TEST_KUBECONFIG names no cluster.\n')
}
rmSync(reports, { recursive: true, force: true })
process.stdout.write(failed.length === 0 ? '\nAll good.\n' : `\nFailed: ${failed.join(', ')}\n`)
process.stdout.write(`${count.passed} passed, ${count.failed} failed\n`)
for (const file of unstable) process.stdout.write(`unstable: failed beside others, passed alone: ${file}\n`)
process.exit(failed.length === 0 ? 0 : 1)

async function runTests(name, args, report) {
  const result = await runJestProject(
    { again: again && name !== 'unit', report },
    {
      // With --json jest prints its whole report to stdout too; what people read is on stderr.
      runJest: (flags) => run([...args, ...(flags.length > 0 ? flags : paths)], 'ignore'),
      say: (line) => process.stdout.write(`\n── ${name}: ${line}\n`),
    },
  )
  count.passed += result.passed
  count.failed += result.failed
  unstable.push(...result.unstable.map((file) => relative(ROOT, file)))
  return result.isGood
}

function run(args, stdout) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', stdout, 'inherit'] })
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal))
    child.once('close', (code) => resolve(code ?? 1))
  })
}
