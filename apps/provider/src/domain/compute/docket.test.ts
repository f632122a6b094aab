import { AppError } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import { DATASET_RULES, PUBLISHED_ALGORITHM_RULES } from './compute-rules.ts'
import { deny, openDocket } from './docket.ts'

function refusalOf(work: () => void): unknown {
  try {
    work()
    return null
  } catch (thrown) {
    return thrown instanceof AppError ? [thrown.code, thrown.legacy ?? thrown.detail] : thrown
  }
}

describe('a docket', () => {
  it('tells rules in the reference’s order, in whatever order they were judged', () => {
    const docket = openDocket()
    const algorithm = docket.section('algorithm', PUBLISHED_ALGORITHM_RULES)
    const dataset = docket.section('dataset', DATASET_RULES)
    dataset.judge('dataset-published', deny('did_not_found'))
    dataset.judge('dataset-named', 'a name')
    expect(refusalOf(() => docket.assertClear())).toEqual(['ComputeRefused', { 'dataset.documentId': 'did_not_found' }])
    algorithm.judge('algorithm-files', deny('file_unavailable'))
    algorithm.judge('algorithm-type', deny('not_algo'))
    expect(refusalOf(() => docket.assertClear())).toEqual(['ComputeRefused', { algorithm: 'not_algo' }])
    expect(docket.verdicts().map(({ rule }) => rule)).toEqual([...PUBLISHED_ALGORITHM_RULES, ...DATASET_RULES])
  })

  it('gives what holds, and nothing for what does not', () => {
    const section = openDocket().section('dataset', DATASET_RULES)
    expect(section.judge('dataset-named', 'a name')).toBe('a name')
    expect(section.isClear()).toBe(true)
    expect(section.judge('dataset-type', deny('not_dataset'))).toBeNull()
    expect(section.isClear()).toBe(false)
  })

  it('says of every rule what it found and, where it said no, what to change', () => {
    const docket = openDocket()
    const section = docket.section('datasets[1]', [
      'dataset-named',
      'dataset-type',
      'dataset-order',
      'dataset-parameters',
    ])
    section.judge('dataset-named', 'a name')
    section.judge('dataset-type', deny('not_dataset', { sentence: 'Better words.' }))
    section.skip('dataset-order', 'Not now.')
    expect(docket.verdicts()).toEqual([
      expect.objectContaining({
        rule: 'dataset-named',
        outcome: 'allow',
        resource: 'datasets[1].documentId',
        change: null,
      }),
      expect.objectContaining({ outcome: 'deny', sentence: 'Better words.', change: 'Name a dataset.' }),
      expect.objectContaining({ outcome: 'skipped', sentence: 'Not now.' }),
      expect.objectContaining({ outcome: 'skipped', sentence: 'Not judged while dataset-type does not hold.' }),
    ])
  })

  it('behaviour: a rule with an error of its own answers with that', () => {
    const docket = openDocket()
    docket.section('environment', ['environment-known']).judge('environment-known', deny('No such place'))
    expect(refusalOf(() => docket.assertClear())).toEqual(['EnvironmentNotFound', 'No such place'])
  })

  it('behaviour: nothing denied is nothing refused', () => {
    const docket = openDocket()
    docket.section('dataset', DATASET_RULES).judge('dataset-named', 'a name')
    expect(refusalOf(() => docket.assertClear())).toBeNull()
  })
})
