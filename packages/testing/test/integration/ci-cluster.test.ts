import { spawn } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from '@jest/globals'

const ROOT = join(import.meta.dirname, '../../../..')
const MINUTES = 60_000

/** What the programs do that scripts/ci-cluster.sh calls: a line of shell each. */
const PROGRAMS = {
  'bed/build': ':',
  'bed/up': 'mkdir -p "$TESTBED_HOME/run"; echo "export KUBECONFIG=$TESTBED_HOME/run/kubeconfig"',
  'bed/base-images': 'echo "bed: node:24-bookworm-slim is localhost:5000/node@sha256:abc" >&2',
  'bed/stores': 'echo "export S3_TEST_ENDPOINT=http://127.0.0.1:7070"',
  'bed/down': ':',
  'home/bin/kubectl': 'test "$FOREIGN" = yes',
  'bin/kubectl': 'case "$*" in *InternalIP*) printf 10.0.0.1;; esac',
  'bin/npm': 'echo "s3=$S3_TEST_ENDPOINT cluster=$C2D_TEST_KUBECONFIG hurt=$C2D_TEST_KUBECONFIG_FAULTS" >>"$CALLS"',
  'scripts/build-images.sh': ':',
  'scripts/prove-compose.sh': 'echo "$ADVERTISED_ADDRESS $ALGORITHM_IMAGE" >>"$CALLS"',
  'scripts/prove-manifests.sh': ':',
}
type Program = keyof typeof PROGRAMS

describe('scripts/ci-cluster.sh', () => {
  const folders: string[] = []
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

  async function run(
    replaced: Partial<Record<Program, string>> = {},
    env: NodeJS.ProcessEnv = { C2D_TESTBED: './bed' },
  ) {
    const above = await mkdtemp(join(tmpdir(), 'c2d-ci-cluster-'))
    folders.push(above)
    const folder = join(above, 'project') // nothing stands beside it, where the script looks for a test bed
    for (const [name, body] of Object.entries({ ...PROGRAMS, ...replaced })) {
      const path = join(folder, name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, `#!/bin/sh\necho "${name} $*" >>"$CALLS"\n${body}\n`)
      await chmod(path, 0o755)
    }
    for (const room of ['apps/a', 'packages/b'])
      await mkdir(join(folder, room, 'test/integration'), { recursive: true })
    await writeFile(join(folder, 'apps/a/test/integration/real.test.ts'), "process.env['S3_TEST_ENDPOINT']")
    await copyFile(join(ROOT, 'scripts/ci-cluster.sh'), join(folder, 'scripts/ci-cluster.sh'))
    const calls = join(folder, 'calls')
    await writeFile(calls, '')
    const PATH = `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`
    const child = spawn('bash', [join(folder, 'scripts/ci-cluster.sh')], {
      env: { PATH, HOME: folder, TESTBED_HOME: join(folder, 'home'), CALLS: calls, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [code, output] = await Promise.all([
      new Promise<number | null>((resolve) => child.once('close', resolve)),
      text(child.stdout),
      text(child.stderr),
    ])
    const lines = (await readFile(calls, 'utf8')).replaceAll(folder, '.').trim().split('\n')
    return { code, output, calls: lines.map((line) => line.trim()) }
  }

  it(
    'behaviour: makes a cluster, tests on it with real stores, and takes away what it made',
    async () => {
      const { code, output, calls } = await run()
      expect(output).toContain('all good')
      expect(code).toBe(0)
      expect(calls.filter((call) => !/kubectl/.test(call))).toEqual([
        'bed/build --all',
        'bed/up',
        'bed/base-images',
        'bed/stores up',
        'bed/up', // each step begins with whatever did not survive the one before
        'bin/npm test -- --again integration apps/a/test/integration/real.test.ts',
        's3=http://127.0.0.1:7070 cluster=./home/run/kubeconfig hurt=1',
        'bed/up',
        'scripts/build-images.sh --standins',
        'bed/up',
        'bin/npm test -- --again kubernetes',
        's3=http://127.0.0.1:7070 cluster=./home/run/kubeconfig hurt=1',
        'bed/up',
        'scripts/prove-compose.sh',
        '10.0.0.1 localhost:5000/node:24-bookworm-slim@sha256:abc',
        'bed/up',
        'scripts/prove-manifests.sh',
        'bed/stores down',
        'bed/down',
      ])
    },
    MINUTES,
  )

  it(
    "behaviour: somebody's cluster is neither hurt nor stopped",
    async () => {
      const { code, calls } = await run({}, { C2D_TESTBED: './bed', FOREIGN: 'yes' })
      expect(code).toBe(0)
      expect(calls).toContain('s3=http://127.0.0.1:7070 cluster=./home/run/kubeconfig hurt=')
      expect(calls.join()).not.toContain('down')
      expect(calls.filter((call) => call === 'bed/up')).toHaveLength(1)
    },
    MINUTES,
  )

  it(
    'behaviour: what fails once and then holds is good, and named as unstable',
    async () => {
      const { code, output } = await run({
        'scripts/prove-compose.sh': '[ -e "$CALLS.once" ] || { touch "$CALLS.once"; exit 1; }',
      })
      expect(output).toContain('unstable, held the second time: Compose')
      expect(output.trim().split('\n').at(-1)).toBe('cluster: all good')
      expect(code).toBe(0)
    },
    MINUTES,
  )

  it.each(['bin/npm', 'scripts/build-images.sh', 'scripts/prove-compose.sh', 'scripts/prove-manifests.sh'] as const)(
    'error: with %s failing the others are still tried, the failure is named last, and the exit code tells',
    async (program) => {
      const { code, output, calls } = await run({ [program]: 'exit 3' })
      expect(code).toBe(1)
      expect(output.trim().split('\n').at(-1)).toMatch(/^cluster: FAILED: /)
      expect(calls).toEqual(expect.arrayContaining(['scripts/prove-manifests.sh', 'bed/down']))
    },
    MINUTES,
  )

  it(
    'behaviour: without a test bed one line says so, and nothing fails',
    async () => {
      const { code, output } = await run({}, {})
      expect(code).toBe(0)
      expect(output.trim().split('\n')).toEqual([expect.stringContaining('NOT TESTED ON KUBERNETES')])
    },
    MINUTES,
  )

  it.each(['bed/build', 'bed/up', 'bed/base-images', 'bed/stores'] as const)(
    'error: a test bed that was asked for, and whose %s fails, is a failure; what was started is stopped',
    async (program) => {
      const { code, output, calls } = await run({ [program]: 'exit 1' })
      expect(code).toBe(1)
      expect(output).toContain('NOT TESTED ON KUBERNETES')
      expect(calls.at(-1)).toBe('bed/down')
    },
    MINUTES,
  )
})
