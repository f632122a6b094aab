import type { NetworkCounters } from './network-counters.ts'

/**
 * What one try met. `answered`: a connection. `replied`: a datagram in return, which is worse: firewalls now know a flow that whoever
 * comes next in this network may go on with, by binding the same port. `refused`: either the peer itself said no (a TCP reset: it is
 * reachable) or a firewall did (an ICMP message): the error is the same, the counters tell. `silent`: nothing, or a firewall's other ICMP
 * messages. `unknown`: this machine could not even try. `unasked`: it was too early to ask by datagram.
 */
export type Outcome = 'answered' | 'replied' | 'refused' | 'silent' | 'unknown' | 'unasked'

/** One round: every target tried once, and what came in meanwhile. */
export interface Round {
  /** In the order of the targets. */
  outcomes: readonly Outcome[]
  /** Null where the kernel does not say. */
  before: NetworkCounters | null
  after: NetworkCounters | null
}

/** What the rounds so far say. */
export interface Judgement {
  sealed: boolean
  /** A datagram came back: there is no seal any more for this pod, whatever comes. */
  lost: boolean
  /** The last so many rounds were silent. */
  silentRounds: number
  /** Per target: in how many rounds it answered, or may have. */
  answers: number[]
}

/**
 * Whether a round shows an address that can be reached, by target. A segment or datagram that came in belongs to some target even when
 * none says it answered (it was late, or a refusal): then each that was refused is blamed, and without one all are.
 */
export function judgeRound({ outcomes, before, after }: Round): boolean[] {
  const counted = before !== null && after !== null
  const received = counted
    ? after.tcpSegmentsIn - before.tcpSegmentsIn + (after.udpDatagramsIn - before.udpDatagramsIn)
    : 0
  const refusalIsAnswer = !counted || received > 0
  const answered = outcomes.map(
    (outcome) =>
      outcome === 'answered' ||
      outcome === 'replied' ||
      outcome === 'unknown' ||
      (outcome === 'refused' && refusalIsAnswer),
  )
  return received > 0 && !answered.includes(true) ? outcomes.map(() => true) : answered
}

/** Rounds in a row without an answer by TCP, before anything is asked by datagram. */
const ROUNDS_BEFORE_DATAGRAMS = 2
/** Rounds of a seal that asked everything. */
const COMPLETE_ROUNDS = 2

/**
 * The verdict over all rounds since staging was complete: sealed when the last `needed` of them were silent throughout, and at least
 * two of these asked everything. A round that tried nothing proves nothing.
 */
export function judgeRounds(rounds: readonly Round[], needed: number): Judgement {
  const judged = rounds.map(judgeRound)
  const loudest = judged.findLastIndex((answered) => answered.length === 0 || answered.includes(true))
  const silentRounds = judged.length - 1 - loudest
  const complete = rounds.slice(loudest + 1).filter(({ outcomes }) => !outcomes.includes('unasked')).length
  const lost = rounds.some(hasReply)
  const answers = (judged[0] ?? []).map((_, target) => judged.filter((answered) => answered[target]).length)
  return { sealed: !lost && silentRounds >= needed && complete >= COMPLETE_ROUNDS, lost, silentRounds, answers }
}

/**
 * Whether the next round may ask by datagram. On an open network the answer would leave a flow behind, so TCP, which does not, has to find
 * it silent before.
 */
export function mayAskByDatagram({ silentRounds }: Judgement): boolean {
  return silentRounds >= ROUNDS_BEFORE_DATAGRAMS
}

function hasReply({ outcomes, before, after }: Round): boolean {
  if (outcomes.includes('replied')) return true
  return before !== null && after !== null && after.udpDatagramsIn > before.udpDatagramsIn
}
