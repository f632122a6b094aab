import type { PodCount } from '../executor.ts'
import { LABEL, toLabelValue } from './names.ts'
import type { PodView } from './views.ts'

/** The phases Kubernetes has for pods. */
const PHASES = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'] as const

/** How many pods of ours each environment has in each phase, as the watches show them; nothing is asked. */
export function countPods(
  rooms: readonly { pods: { values(): IterableIterator<PodView> } }[],
  environments: readonly { id: string }[],
): PodCount[] {
  const counts = new Map<string, Map<string, number>>()
  for (const { pods } of rooms) {
    for (const { labels, phase } of pods.values()) {
      const phases = counts.get(labels[LABEL.environment] ?? '') ?? new Map<string, number>()
      phases.set(phase, (phases.get(phase) ?? 0) + 1)
      counts.set(labels[LABEL.environment] ?? '', phases)
    }
  }
  return environments.flatMap(({ id }) =>
    PHASES.map((phase) => ({ environment: id, phase, count: counts.get(toLabelValue(id))?.get(phase) ?? 0 })),
  )
}
