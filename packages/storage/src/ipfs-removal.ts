import type { CID, KuboRPCClient } from 'kubo-rpc-client'

interface Node {
  client: KuboRPCClient
  parseCid: (text: string) => CID
}

const WALK_MS = 10_000
const BLOCKS_AT_ONCE = 200

/**
 * Removes a job's objects from a node: unpinned, and their blocks deleted, since nobody shares what was encrypted with
 * a key of its own. What is not pinned under the job's id is not unpinned, whatever its rows name, and blocks that are
 * pinned by somebody else stay; copies on other nodes stay too, unreadable once the key is forgotten. Safe to repeat,
 * also where it did not get to its end.
 * @param job.cids what the job's rows name; what is pinned under the job's id goes as well
 */
export async function removeFromIpfs(job: { jobId: string; cids: readonly string[] }, node: Node): Promise<void> {
  const pinned = await pinsOf(job.jobId, node)
  for (const cid of new Set([...job.cids, ...pinned])) await removeObject(cid, pinned, node)
}

/** Removes one object of a job in the same way. Safe to repeat. */
export async function removeObjectFromIpfs({ jobId, cid }: { jobId: string; cid: string }, node: Node): Promise<void> {
  await removeObject(cid, await pinsOf(jobId, node), node)
}

async function pinsOf(jobId: string, { client }: Node): Promise<Set<string>> {
  const cids = new Set<string>()
  for await (const pin of client.pin.ls({ type: 'recursive', name: jobId })) {
    if ((pin as { name?: string }).name === jobId) cids.add(pin.cid.toString()) // the node compares parts of names
  }
  return cids
}

async function removeObject(cid: string, pinned: ReadonlySet<string>, node: Node): Promise<void> {
  if (pinned.has(cid)) await unpin(cid, node.client)
  // Also of what is not pinned: a removal before this one may have ended in between.
  await deleteBlocks(cid, node)
}

async function unpin(cid: string, client: KuboRPCClient): Promise<void> {
  try {
    await client.pin.rm(cid)
  } catch (error) {
    // Removed in this moment, by another engine.
    if (!/not pinned/.test((error as { message?: string }).message ?? '')) throw error
  }
}

/**
 * All are named before the first is deleted, and the last named goes first: the walk reads what it passes, and so still
 * finds whatever is left of an object whose removal was cut off.
 */
async function deleteBlocks(cid: string, { client, parseCid }: Node): Promise<void> {
  const blocks = [cid]
  try {
    const signal = AbortSignal.timeout(WALK_MS)
    // Offline, or a block that is gone already would be looked for in the network.
    const walk = { recursive: true, unique: true, offline: true, signal }
    for await (const { ref } of client.refs(cid, walk)) if (ref !== '') blocks.push(ref)
  } catch {
    // Unpinned is removed: what the walk does not reach, the node's own collection does.
  }
  while (blocks.length > 0) {
    const some = blocks.splice(-BLOCKS_AT_ONCE).reverse()
    const removals = client.block.rm(some.map(parseCid), { force: true })[Symbol.asyncIterator]()
    // A block that stays is pinned by somebody else, and as it should be.
    while (!(await removals.next()).done);
  }
}
