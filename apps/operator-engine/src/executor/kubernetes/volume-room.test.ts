import { describe, expect, it } from '@jest/globals'
import type { StepEnded } from '../executor.ts'
import { MAIN_CONTAINER } from './names.ts'
import { parsePod } from './views.ts'
import { explainByVolume } from './volume-room.ts'

const AT = new Date('2026-01-01T00:00:00Z')
const failed = (given: Partial<StepEnded> = {}): StepEnded => ({
  phase: 'ended',
  attempt: 1,
  exitCode: 1,
  signal: null,
  reason: null,
  message: null,
  startedAt: AT,
  endedAt: AT,
  ...given,
})
const pod = (message: string | null) =>
  parsePod({
    metadata: { name: 'p', uid: 'u', resourceVersion: '1', creationTimestamp: AT.toISOString() },
    spec: {},
    status: {
      containerStatuses: [
        { name: MAIN_CONTAINER, state: message === null ? { running: {} } : { terminated: { exitCode: 0, message } } },
      ],
    },
  })
const reasonOf = (algorithm: StepEnded, ...words: (string | null)[]) =>
  (explainByVolume(algorithm, words.map(pod)) as StepEnded).reason

describe('explainByVolume', () => {
  it.each([
    ['no block is left', '0 60000 1024 4000 4096\n', 'WorkspaceFull'],
    ['less is left than one write may need', '2047 60000 1024 4000 4096', 'WorkspaceFull'],
    ['so little is left that it is nothing', '900 1000000 16384 4000 4096', 'WorkspaceFull'],
    ['no name is left', '50000 60000 1024 0 4096', 'WorkspaceFull'],
    ['there is room', '2048 60000 1024 4000 4096', null],
    ['names have no limit of their own', '60000 60000 1024 0 0', null],
    ['the publish pod said something else', 'stat: not found', null],
    ['the publish pod still runs', null, null],
  ])('where an algorithm failed and %s: %s is %s', (_, words, reason) => {
    expect(reasonOf(failed(), words)).toBe(reason)
  })

  it('behaviour: the first publish pod that says it counts, as later ones meet what it left', () => {
    expect(reasonOf(failed(), null, '0 60000 1024 1 9', '9000 60000 1024 1 9')).toBe('WorkspaceFull')
  })

  it('behaviour: nothing else is explained by it', () => {
    expect(reasonOf(failed({ exitCode: 0 }), '0 60000 1024 1 9')).toBeNull()
    expect(reasonOf(failed({ exitCode: 137, reason: 'OutOfMemory' }), '0 60000 1024 1 9')).toBe('OutOfMemory')
    expect(explainByVolume({ phase: 'absent' }, [pod('0 60000 1024 1 9')])).toEqual({ phase: 'absent' })
  })
})
