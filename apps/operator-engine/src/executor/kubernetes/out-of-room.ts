import { buildFullSinceKey, readRefusedObject, remember, type Memory } from './anchor-memory.ts'
import type { ClusterClient } from './cluster-client.ts'
import { ClusterFullError } from './cluster-error.ts'
import type { AnchorView } from './views.ts'

/**
 * What becomes of an object that the cluster refused. A quota frees itself as other jobs end, and a little later than they do,
 * so it is asked again for as long as a pod's place would be waited for; whatever else was refused the anchor remembers.
 * @param where.placeMs patience with a cluster that has no room, in milliseconds
 * @param what.key under which the anchor remembers it
 * @returns the refusal that the anchor remembers now
 * @throws ClusterFullError while waiting may help; what was thrown, where it is no refusal
 */
export async function refuseObject(
  where: { room: Parameters<typeof remember>[0]; anchor: AnchorView; placeMs: number },
  what: { key: string; thrown: unknown; nowMs: number },
  client: ClusterClient,
): Promise<NonNullable<Memory['refused']>> {
  const { anchor, placeMs, room } = where
  const { key, nowMs, thrown } = what
  const refused = readRefusedObject(thrown)
  if (!refused) throw thrown
  const at = new Date(nowMs).toISOString()
  if (refused.reason === 'Unschedulable') {
    const sinceKey = buildFullSinceKey(key)
    const since = anchor.data[sinceKey]
    if (nowMs - Date.parse(since ?? at) <= placeMs) {
      // That it was there at all may have been noted already.
      await remember(room, anchor, { [key]: null, [sinceKey]: since ?? at }, client)
      throw new ClusterFullError(refused.message)
    }
  }
  const memory: Memory = { at, refused }
  await remember(room, anchor, { [key]: JSON.stringify(memory) }, client)
  return refused
}
