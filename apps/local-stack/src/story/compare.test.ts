import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { ALGORITHMS } from '../algorithms.ts'
import { locateDataset } from '../dataset.ts'
import { compareResults, runDirectly } from './compare.ts'

describe('comparing a downloaded result with the one it must be', () => {
  it('behaviour: the same bytes are equal', () => {
    expect(compareResults(Buffer.from('{"a":1}\n'), Buffer.from('{"a":1}\n'))).toEqual({ isEqual: true })
  })

  it.each([
    ['a changed number', '{\n"a": 1\n}\n', '{\n"a": 2\n}\n', 2],
    ['a missing end', '{\n"a": 1\n}\n', '{\n"a": 1\n', 3],
    ['other blanks', '{"a": 1}', '{"a":1}', 1],
    ['an empty result', '{}\n', '', 1],
  ])('error: %s is not equal, and the line is named', (_what, expected, actual, line) => {
    expect(compareResults(Buffer.from(expected), Buffer.from(actual))).toMatchObject({ isEqual: false, line })
  })

  it('error: bytes that are no text and differ are not equal', () => {
    expect(compareResults(Buffer.from([0xff]), Buffer.from([0xfe]))).toMatchObject({ isEqual: false })
  })
})

describe('running an algorithm directly', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'c2d-direct-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const path = '/usr/local/bin:/usr/bin:/bin'
  const datasetPath = locateDataset().path

  it('behaviour: the wage gap is computed, and no small group can be told from the result', async () => {
    const bytes = await runDirectly({ algorithm: ALGORITHMS.node, datasetPath, folder, path })
    const result = JSON.parse(bytes.toString('utf8')) as {
      workers: number
      byGender: Record<string, { people: number }>
      byEducation: Record<string, 'withheld' | { people: number }>
    }
    expect(result).toMatchObject({ workers: 534, byGender: { female: { people: 245 }, male: { people: 289 } } })
    const groups = Object.values(result.byEducation)
    const told = groups.map((group) => (group === 'withheld' ? 0 : group.people))
    expect(Math.min(...told.filter(Boolean))).toBeGreaterThanOrEqual(5)
    expect(534 - told.reduce((sum, people) => sum + people, 0)).toBeGreaterThanOrEqual(5)
  })

  it('error: an algorithm that fails is an error with its own words', async () => {
    const running = runDirectly({ algorithm: ALGORITHMS.node, datasetPath: ALGORITHMS.node.path, folder, path })
    await expect(running).rejects.toThrow('TypeError')
  })
})
