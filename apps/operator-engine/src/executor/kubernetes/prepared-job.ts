import type { Logger } from '@c2d/runtime'
import type { JobClaim } from '../executor.ts'
import { REFUSED_VOLUME } from './anchor-memory.ts'
import { buildAnchor, buildClaim, buildOwner } from './build-objects.ts'
import type { ClusterClient } from './cluster-client.ts'
import { makeObject } from './make-object.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { refuseObject } from './out-of-room.ts'
import type { ClusterEnvironment, ClusterSettings } from './settings.ts'
import { parseAnchor, parseClaim, type AnchorView } from './views.ts'

/** A job that has its anchor: where it is, and by which rules it runs. */
export interface PreparedJob {
  readonly room: NamespaceRoom
  readonly anchor: AnchorView
  readonly environment: ClusterEnvironment
}

/**
 * Makes a job's anchor and its volume; of a volume that the cluster refuses the anchor remembers why.
 * @throws ClusterFullError while a quota leaves no room
 */
export async function prepareJob(
  room: NamespaceRoom,
  { jobId, environment, claim }: { jobId: string; environment: ClusterEnvironment; claim: JobClaim | undefined },
  { client, log, settings }: { client: ClusterClient; log: Logger; settings: Pick<ClusterSettings, 'seal'> },
): Promise<void> {
  const wanted = buildAnchor(jobId, environment, { canary: settings.seal?.canary, claim })
  const { made: anchor } = await makeObject('configmaps', wanted, parseAnchor, client)
  room.anchors.take(anchor)
  try {
    const claim = buildClaim(jobId, environment, buildOwner(anchor))
    const { made } = await makeObject('persistentvolumeclaims', claim, parseClaim, client)
    room.claims.take(made)
  } catch (thrown) {
    const where = { room, anchor, placeMs: environment.placeSeconds * 1000 }
    const refused = await refuseObject(where, { key: REFUSED_VOLUME, thrown, nowMs: Date.now() }, client)
    log.warn({ jobId, ...refused }, 'the cluster refuses a volume')
  }
}
