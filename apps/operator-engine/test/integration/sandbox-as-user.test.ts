import { spawnSync } from 'node:child_process'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

const ROOT = resolve(import.meta.dirname, '../../../..')
const JEST = join(ROOT, 'node_modules/jest/bin/jest.js')
const HERE = import.meta.dirname
const SOME_USER = 61_234
const MINUTES = 60_000

const isRoot = process.geteuid?.() === 0
const user = [`--reuid=${SOME_USER}`, `--regid=${SOME_USER}`, '--clear-groups', '--inh-caps=-all']
const asUser = (home: string, ...argv: string[]) =>
  spawnSync('setpriv', [...user, '--', ...argv], {
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, TMPDIR: home },
  })
// A user who cannot read this folder cannot test it; one who can does what ordinary users' engines do.
const canRead =
  isRoot && asUser('/', 'test', '-r', JEST).status === 0 && asUser('/', process.execPath, '-v').status === 0
if (isRoot && !canRead)
  process.stderr.write('the sandbox is not attacked as an ordinary user: none can read this folder\n')

// As an ordinary user the suites themselves are what is wanted.
const describeForRoot = canRead ? describe : describe.skip

describeForRoot('the sandbox of an engine that is an ordinary user', () => {
  let home: string

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'c2d-as-user-'))
    await chown(home, SOME_USER, SOME_USER)
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  it.each(['sandbox.test.ts', 'sandbox-network.test.ts', 'attacks.test.ts'])(
    'behaviour: %s passes as well',
    async (file) => {
      const { default: config } = (await import(join(ROOT, 'jest.config.js'))) as { default: { projects: object[] } }
      const shared = config.projects.find(
        (project) => 'displayName' in project && project.displayName === 'integration',
      )
      const { globalSetup: _up, globalTeardown: _down, ...project } = { globalSetup: '', globalTeardown: '', ...shared }
      const own = { ...project, rootDir: ROOT, cacheDirectory: join(home, 'jest'), testTimeout: MINUTES }
      const options = ['--config', JSON.stringify(own), '--runTestsByPath', join(HERE, file)]
      const { status, stderr } = asUser(home, process.execPath, '--experimental-vm-modules', JEST, ...options)
      expect(status === 0 ? '' : stderr).toBe('')
      expect(stderr).toMatch(/Tests:\s+\d+ passed/)
    },
    5 * MINUTES,
  )
})
