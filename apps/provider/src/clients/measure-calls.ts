import type { Metrics } from '@c2d/http-kit'

/** Counts and times what we ask of others. */
export interface CallMeter {
  /**
   * The same adapter, each of whose asynchronous calls is counted and timed.
   * @param peer who is asked, from a short list
   */
  measure<T extends object>(peer: string, adapter: T): T
}

/** @returns a meter whose metrics are labelled by peer, call (the method's name) and outcome */
export function createCallMeter(metrics: Pick<Metrics, 'counter' | 'histogram'>): CallMeter {
  const calls = metrics.counter('peer_calls_total', 'Calls to others, by how they ended.', ['peer', 'call', 'outcome'])
  const durations = metrics.histogram('peer_call_duration_seconds', 'Until the answer begins.', ['peer', 'call'])

  const watch = async (answer: Promise<unknown>, labels: { peer: string; call: string }): Promise<unknown> => {
    const startedAt = performance.now()
    let outcome = 'failed'
    try {
      const value = await answer
      outcome = 'answered'
      return value
    } finally {
      calls.increment({ ...labels, outcome })
      durations.observe((performance.now() - startedAt) / 1000, labels)
    }
  }

  return {
    measure: (peer, adapter) =>
      new Proxy(adapter, {
        get(target, name, receiver) {
          const member: unknown = Reflect.get(target, name, receiver)
          if (typeof member !== 'function') return member
          return (...parameters: unknown[]): unknown => {
            const answer: unknown = Reflect.apply(member, target, parameters)
            return answer instanceof Promise ? watch(answer, { peer, call: String(name) }) : answer
          }
        },
      }),
  }
}
