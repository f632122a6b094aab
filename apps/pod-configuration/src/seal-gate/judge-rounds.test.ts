import { describe, expect, it } from '@jest/globals'
import { judgeRound, judgeRounds, mayAskByDatagram, type Outcome, type Round } from './judge-rounds.ts'

const counters = (tcp: number, udp = 0) => ({ tcpSegmentsIn: tcp, udpDatagramsIn: udp })
const buildRound = (outcomes: Outcome[], rest: Partial<Round> = {}): Round => ({
  outcomes,
  before: counters(7),
  after: counters(7),
  ...rest,
})
const silent = buildRound(['silent', 'silent'])
const early = buildRound(['silent', 'unasked'])
const replied = buildRound(['silent', 'replied'], { after: counters(7, 1) })
const lateDatagram = buildRound(['silent', 'silent'], { after: counters(7, 1) })
const loud = buildRound(['silent', 'answered'], { after: counters(9) })

describe('judgeRound', () => {
  it.each<[string, Round, boolean[]]>([
    ['silence is silence', silent, [false, false]],
    ['a connection is an answer', loud, [false, true]],
    ['a refusal is an answer when a segment came in: the peer reset it', resetRound(), [true, false]],
    ['a refusal is silence when none came in: a firewall said it', buildRound(['refused', 'silent']), [false, false]],
    [
      'a refusal is an answer when nobody counts',
      buildRound(['refused', 'silent'], { before: null, after: null }),
      [true, false],
    ],
    [
      'an answer that came too late is blamed on all',
      buildRound(['silent', 'silent'], { after: counters(8) }),
      [true, true],
    ],
    ['so is a late datagram', buildRound(['silent', 'silent'], { after: counters(7, 1) }), [true, true]],
    ['what could not be tried is not silent', buildRound(['unknown', 'silent']), [true, false]],
  ])('behaviour: %s', (_, round, expected) => {
    expect(judgeRound(round)).toEqual(expected)
  })

  function resetRound(): Round {
    return buildRound(['refused', 'silent'], { after: counters(8) })
  }
})

describe('judgeRounds', () => {
  it.each<[string, Round[], boolean, number]>([
    ['no rounds prove nothing', [], false, 0],
    ['too few silent rounds', [silent, silent], false, 2],
    ['enough silent rounds', [silent, silent, silent], true, 3],
    ['enough silent rounds, two of them complete', [early, silent, silent], true, 3],
    ['enough silent rounds, but one that asked all', [early, early, silent], false, 3],
    ['a reply to a datagram, however long ago', [replied, silent, silent, silent], false, 3],
    ['a datagram that came too late', [lateDatagram, silent, silent, silent], false, 3],
    ['an answer long ago', [loud, silent, silent, silent], true, 3],
    ['an answer among the last rounds', [silent, silent, loud, silent], false, 1],
    ['an answer just now', [silent, silent, silent, loud], false, 0],
    ['rounds that try nothing', [buildRound([]), buildRound([]), buildRound([])], false, 0],
  ])('behaviour: %s', (_, rounds, sealed, silentRounds) => {
    expect(judgeRounds(rounds, 3)).toMatchObject({ sealed, silentRounds })
  })

  it('behaviour: nothing is asked by datagram before TCP was silent, twice in a row', () => {
    const may = (...rounds: Round[]) => mayAskByDatagram(judgeRounds(rounds, 3))
    expect([may(), may(early), may(early, loud), may(loud, early, early)]).toEqual([false, false, false, true])
  })

  it('behaviour: after a reply to a datagram it is lost', () => {
    expect(judgeRounds([replied], 3).lost).toBe(true)
    expect(judgeRounds([lateDatagram], 3).lost).toBe(true)
    expect(judgeRounds([loud, silent], 3).lost).toBe(false)
  })

  it('counts in how many rounds each target answered', () => {
    expect(judgeRounds([loud, loud, silent], 3).answers).toEqual([0, 2])
  })
})
