import { describe, expect, it } from '@jest/globals'
import { decideNext } from './decide-next.ts'

const schedule = { firstPauseSeconds: 60, limitSeconds: 86_400 }
const state = { attempt: 1, ageSeconds: 60, left: 3, hopeless: 0 }

describe('what follows on a try to deliver', () => {
  it.each([
    [1, 120],
    [2, 240],
    [5, 1_920],
    [6, 3_600],
    [5_000, 3_600],
  ])('behaviour: after try %i a pause of %i s', (attempt, inSeconds) => {
    expect(decideNext({ ...state, attempt }, schedule)).toEqual({ do: 'postpone', inSeconds })
  })

  it('behaviour: the last try is at the limit, and there is none after it', () => {
    expect(decideNext({ ...state, attempt: 9, ageSeconds: 86_000 }, schedule)).toEqual({
      do: 'postpone',
      inSeconds: 400,
    })
    expect(decideNext({ ...state, attempt: 9, ageSeconds: 86_400 }, schedule)).toEqual({ do: 'giveUp' })
  })

  it('behaviour: it is over once nothing is left, and failed where something is kept nowhere', () => {
    expect(decideNext({ ...state, left: 0 }, schedule)).toEqual({ do: 'end' })
    expect(decideNext({ ...state, left: 0, hopeless: 1 }, schedule)).toEqual({ do: 'giveUp' })
    expect(decideNext({ ...state, hopeless: 1 }, schedule)).toMatchObject({ do: 'postpone' })
  })

  it('behaviour: a limit of nothing never tries again', () => {
    expect(decideNext({ ...state, ageSeconds: 0 }, { ...schedule, limitSeconds: 0 })).toEqual({ do: 'giveUp' })
  })
})
