import type { OperatorService } from '../../clients/operator-service.ts'
import type { CountWaiting } from './explain-compute.ts'
import { createShortMemory } from '../sharing/short-memory.ts'

/**
 * Counts the jobs that wait in an environment. The operator tells all of them at once, so its answer is kept a moment.
 * @param options.memoryMs how long
 */
export function createWaitingCount(
  options: { memoryMs: number },
  deps: { operator: OperatorService | null },
): CountWaiting {
  const memory = createShortMemory<Map<string, number>>({ ttlMs: options.memoryMs, maxEntries: 1 })
  return async function countWaiting(environment) {
    const { operator } = deps
    if (!operator) return 0
    return (await memory.get('all', () => operator.waitingByEnvironment())).get(environment) ?? 0
  }
}
