import { z } from 'zod'
import type { StepName } from '../executor.ts'
import type { ClusterClient } from './cluster-client.ts'
import { ClusterError } from './cluster-error.ts'
import { isPassingRefusal } from './passing-refusal.ts'
import { buildPath } from './paths.ts'
import { parseAnchor, type AnchorView } from './views.ts'
import type { ObjectCache } from './watch-objects.ts'

/** What an anchor remembers of an attempt, by `buildMemoryKey`. */
const memorySchema = z.object({
  /** Absent: it was started. */
  refused: z.object({ reason: z.enum(['StartFailed', 'Unschedulable']), message: z.string() }).optional(),
  at: z.string().transform((text) => new Date(text)),
})
export type Memory = z.input<typeof memorySchema>

/** Under which key an anchor remembers an attempt. */
export function buildMemoryKey(step: StepName, attempt: number): string {
  return `${step}.${attempt}`
}

/** The key that says why the volume itself was refused. */
export const REFUSED_VOLUME = 'refused-volume'

/** The key that says since when there is no room for what a key is about. */
export function buildFullSinceKey(key: string): string {
  return `${key}.full-since`
}

/** What an anchor remembers of an attempt; null for nothing. */
export function readMemory(anchor: AnchorView | undefined, step: StepName, attempt: number) {
  const text = anchor?.data[buildMemoryKey(step, attempt)]
  if (text === undefined) return null
  try {
    return memorySchema.parse(JSON.parse(text))
  } catch {
    return null // somebody else's hand: as good as nothing
  }
}

/** Notes on the anchor what no other object can say: that an attempt was refused, or was there at all; null takes a note back. */
export async function remember(
  room: { namespace: string; anchors: Pick<ObjectCache<AnchorView>, 'take'> },
  anchor: AnchorView,
  notes: Readonly<Record<string, string | null>>,
  client: ClusterClient,
): Promise<void> {
  const patch = { metadata: { uid: anchor.uid }, data: notes }
  room.anchors.take(parseAnchor(await client.patch(buildPath(room.namespace, 'configmaps', anchor.name), patch)))
}

/** What an object that the cluster refuses means for its step, `Unschedulable` where a quota is used up; null where it is no refusal. */
export function readRefusedObject(thrown: unknown): Memory['refused'] | null {
  if (!(thrown instanceof ClusterError) || ![400, 403, 422].includes(thrown.status)) return null
  if (isPassingRefusal(thrown.message)) return null
  const message = thrown.message.slice(0, 1000)
  return /exceeded quota/i.test(message) ? { reason: 'Unschedulable', message } : { reason: 'StartFailed', message }
}
