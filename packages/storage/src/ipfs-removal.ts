import type { CID, KuboRPCClient } from 'kubo-rpc-client'

interface Node {
  client: KuboRPCClient
  parseCid: (text: string) => CID
}

/**
 * How long blocks are looked for, and how long they are deleted, of all that is removed at once. Before it deletes a
 * block, a node walks through everything that is pinned, for each block anew: with thousands of pins that takes seconds.
 */
const WALK_MS = 2_000
const DELETE_MS = 5_000
const BLOCKS_AT_ONCE = 200

/**
 * Removes a job's objects from a node: unpinned, which is what removed means (nobody reads what is not pinned, and its
 * key is forgotten), and as many of their blocks deleted as a few seconds allow; the others go with the node's own
 * collection, and nobody shares them, since each object was encrypted with a key of its own. What is not pinned under
 * the job's id is not unpinned, whatever its rows name; blocks that are pinned by somebody else stay, and so do copies
 * on other nodes. Safe to repeat, also where it did not get to its end.
 * @param job.cids what the job's rows name; what is pinned under the job's id goes as well
 */
export async function removeFromIpfs(job: { jobId: string; cids: readonly string[] }, node: Node): Promise<void> {
  const pinned = await pinsOf(job.jobId, node)
  await removeObjects([...new Set([...job.cids, ...pinned])], pinned, node)
}

/** Removes one object of a job in the same way. Safe to repeat. */
export async function removeObjectFromIpfs({ jobId, cid }: { jobId: string; cid: string }, node: Node): Promise<void> {
  await removeObjects([cid], await pinsOf(jobId, node), node)
}

async function pinsOf(jobId: string, { client }: Node): Promise<Set<string>> {
  const cids = new Set<string>()
  for await (const pin of client.pin.ls({ type: 'recursive', name: jobId })) {
    if ((pin as { name?: string }).name === jobId) cids.add(pin.cid.toString()) // the node compares parts of names
  }
  return cids
}

async function removeObjects(cids: readonly string[], pinned: ReadonlySet<string>, node: Node): Promise<void> {
  for (const cid of cids) if (pinned.has(cid)) await unpin(cid, node.client)
  // Also of what was not pinned any more: a removal before this one may have ended in between.
  await deleteBlocks([...cids, ...(await listBlocksBelow(cids, node))], node)
}

async function unpin(cid: string, client: KuboRPCClient): Promise<void> {
  try {
    await client.pin.rm(cid)
  } catch (error) {
    // Removed in this moment, by another engine.
    if (!/not pinned/.test((error as { message?: string }).message ?? '')) throw error
  }
}

async function listBlocksBelow(cids: readonly string[], { client }: Node): Promise<string[]> {
  const signal = AbortSignal.timeout(WALK_MS)
  const blocks: string[] = []
  for (const cid of cids) {
    try {
      // Offline, or a block that is gone already would be looked for in the network.
      const walk = { recursive: true, unique: true, offline: true, signal }
      for await (const { ref } of client.refs(cid, walk)) if (ref !== '') blocks.push(ref)
    } catch {
      // Gone already, or too large to be walked in time: the node's own collection finds what is left.
    }
  }
  return blocks
}

/** The first ones first: those by which objects are named. */
async function deleteBlocks(blocks: readonly string[], { client, parseCid }: Node): Promise<void> {
  const signal = AbortSignal.timeout(DELETE_MS)
  try {
    for (let done = 0; done < blocks.length; done += BLOCKS_AT_ONCE) {
      const some = blocks.slice(done, done + BLOCKS_AT_ONCE).map(parseCid)
      const removals = client.block.rm(some, { force: true, signal })[Symbol.asyncIterator]()
      // A block that stays is pinned by somebody else, and as it should be.
      while (!(await removals.next()).done);
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
}
