import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GateOptions, Target } from './gate-options.ts'
import { judgeRounds, mayAskByDatagram, type Judgement, type Outcome, type Round } from './judge-rounds.ts'
import { parseNetworkCounters, type NetworkCounters } from './network-counters.ts'
import { probe } from './probe.ts'

/** What the rounds came to, and how many there were. */
export interface RoundsResult extends Judgement {
  tried: number
}

/**
 * Tries every target, over and over, until the last rounds were silent or the time is over. A round begins every `everyMs` though the
 * one before may still listen, so that silence is not waited for once a round; they are judged in the order they began. Datagrams are sent
 * only once TCP was silent.
 */
export async function runRounds(
  targets: readonly Target[],
  { rounds: needed, everyMs, answerMs, timeoutMs }: Pick<GateOptions, 'rounds' | 'everyMs' | 'answerMs' | 'timeoutMs'>,
): Promise<RoundsResult> {
  const ended: Round[] = []
  let judgement = judgeRounds(ended, needed)
  let judged = Promise.resolve()
  const endAtMs = performance.now() + timeoutMs
  do {
    const round = runRound(targets, answerMs, mayAskByDatagram(judgement))
    judged = judged.then(async () => {
      ended.push(await round)
      judgement = judgeRounds(ended, needed)
    })
    await sleep(everyMs)
  } while (!judgement.sealed && !judgement.lost && performance.now() < endAtMs)
  if (!judgement.sealed) await judged // what began in time counts
  return { ...judgement, tried: ended.length }
}

async function runRound(targets: readonly Target[], answerMs: number, withDatagrams: boolean): Promise<Round> {
  const before = readCounters()
  const outcomes = await Promise.all(
    targets.map(async (target): Promise<Outcome> => {
      return target.protocol === 'tcp' || withDatagrams ? probe(target, answerMs) : 'unasked'
    }),
  )
  return { outcomes, before, after: readCounters() }
}

function readCounters(): NetworkCounters | null {
  try {
    return parseNetworkCounters(readFileSync('/proc/net/snmp', 'utf8'))
  } catch {
    return null // a runtime without it: then every refusal counts as an answer
  }
}
