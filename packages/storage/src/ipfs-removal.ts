import type { CID, KuboRPCClient } from 'kubo-rpc-client'

interface Node {
  client: KuboRPCClient
  parseCid: (text: string) => CID
}

/** Walking a removed object that is gone already would ask the network for it. */
const WALK_MS = 10_000
const BLOCKS_AT_ONCE = 200

/**
 * Removes a job's objects from a node: unpinned, and their blocks deleted, since nobody shares what was encrypted with
 * a key of its own. Blocks that are pinned by somebody else stay; copies on other nodes stay too, unreadable once the
 * key is forgotten. Safe to repeat.
 * @param job.cids what the job's rows name; what is pinned under the job's id goes as well
 */
export async function removeFromIpfs(job: { jobId: string; cids: readonly string[] }, node: Node): Promise<void> {
  const { client } = node
  const cids = new Set(job.cids)
  for await (const pin of client.pin.ls({ type: 'recursive', name: job.jobId })) {
    if ((pin as { name?: string }).name === job.jobId) cids.add(pin.cid.toString()) // the node compares parts of names
  }
  for (const cid of cids) await removeObjectFromIpfs(cid, node)
}

/** Removes one object in the same way. Safe to repeat. */
export async function removeObjectFromIpfs(cid: string, node: Node): Promise<void> {
  if (await unpin(cid, node.client)) await deleteBlocks(cid, node)
}

async function unpin(cid: string, client: KuboRPCClient): Promise<boolean> {
  try {
    await client.pin.rm(cid)
    return true
  } catch (error) {
    if (/not pinned/.test((error as { message?: string }).message ?? '')) return false // removed before
    throw error
  }
}

/** All are named before the first is deleted: the walk reads what it passes. */
async function deleteBlocks(cid: string, { client, parseCid }: Node): Promise<void> {
  const blocks = [cid]
  try {
    const signal = AbortSignal.timeout(WALK_MS)
    for await (const { ref } of client.refs(cid, { recursive: true, unique: true, signal })) blocks.push(ref)
  } catch {
    // Unpinned is removed: what the walk does not reach, the node's own collection does.
  }
  while (blocks.length > 0) {
    const some = blocks.splice(0, BLOCKS_AT_ONCE).map((block) => parseCid(block))
    const removals = client.block.rm(some, { force: true })[Symbol.asyncIterator]()
    // A block that stays is pinned by somebody else, and as it should be.
    while (!(await removals.next()).done);
  }
}
