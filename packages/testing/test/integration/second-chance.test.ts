import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

const ROOT = join(import.meta.dirname, '../../../..')
const MINUTES = 60_000

interface Result {
  isGood: boolean
  passed: number
  failed: number
  unstable: string[]
}
interface SecondChance {
  runJestProject(
    options: { again: boolean; report: string },
    deps: { runJest: (flags: string[]) => Promise<number>; say: (line: string) => void },
  ): Promise<Result>
}

/** Passes from its second run on, as a test may that missed something beside others. */
const UNSTABLE = `
const { existsSync, writeFileSync } = require('node:fs')
test('sees it in time', () => {
  const isSecond = existsSync(__filename + '.ran')
  writeFileSync(__filename + '.ran', '')
  expect(isSecond).toBe(true)
})
test('always there', () => {})
`
const BROKEN = `test('never', () => expect(1).toBe(2))`
const GOOD = `test('well', () => {})`
const UNREADABLE = `test('well', () => {`

describe('the second chance of npm test -- --again', () => {
  let secondChance: SecondChance
  const folders: string[] = []
  beforeAll(async () => {
    secondChance = (await import(join(ROOT, 'scripts/second-chance.mjs'))) as SecondChance
  })
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

  async function run(files: Readonly<Record<string, string>>, { again = true, config = '{}' } = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'c2d-second-chance-'))
    folders.push(folder)
    await writeFile(join(folder, 'jest.config.json'), config)
    for (const [name, code] of Object.entries(files)) await writeFile(join(folder, `${name}.test.js`), code)
    const report = join(folder, 'report.json')
    const runs: string[][] = []
    const result = await secondChance.runJestProject(
      { again, report },
      {
        runJest: (flags) => {
          runs.push(flags.map((flag) => flag.replace(`${folder}/`, '')))
          const jest = [join(ROOT, 'node_modules/jest/bin/jest.js'), '--json', '--outputFile', report, ...flags]
          const child = spawn(process.execPath, jest, { cwd: folder, stdio: 'ignore' })
          return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)))
        },
        say: () => undefined,
      },
    )
    return { ...result, unstable: result.unstable.map((file) => file.replace(`${folder}/`, '')), runs }
  }

  it(
    'behaviour: a file that failed beside others and passes alone is good, and named with what failed',
    async () => {
      expect(await run({ unstable: UNSTABLE, good: GOOD })).toEqual({
        isGood: true,
        passed: 3,
        failed: 0,
        unstable: ['unstable.test.js\n    sees it in time'],
        runs: [[], ['--runTestsByPath', 'unstable.test.js']],
      })
    },
    2 * MINUTES,
  )

  it(
    'error: what fails alone too fails for good, and does not hide behind what was unstable',
    async () => {
      expect(await run({ unstable: UNSTABLE, broken: BROKEN })).toMatchObject({
        isGood: false,
        passed: 2,
        failed: 1,
        unstable: [expect.stringContaining('unstable.test.js')],
      })
    },
    2 * MINUTES,
  )

  it(
    'error: a file that cannot be read is no accident either',
    async () => {
      expect(await run({ unreadable: UNREADABLE, good: GOOD })).toMatchObject({ isGood: false, unstable: [] })
    },
    2 * MINUTES,
  )

  it(
    'error: many failed files are no accident: none has a second chance',
    async () => {
      const files = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`unstable-${index}`, UNSTABLE]))
      expect(await run(files)).toMatchObject({ isGood: false, failed: 7, unstable: [], runs: [[]] })
    },
    2 * MINUTES,
  )

  it(
    'error: without the option nothing has one, and where jest cannot begin neither',
    async () => {
      expect(await run({ unstable: UNSTABLE }, { again: false })).toMatchObject({ isGood: false, runs: [[]] })
      expect(await run({ good: GOOD }, { config: '{' })).toMatchObject({ isGood: false, passed: 0, runs: [[]] })
    },
    2 * MINUTES,
  )
})
