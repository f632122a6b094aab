import { randomUUID } from 'node:crypto'
import { addToIpfs } from '../../../src/ipfs-add.ts'
import { removeFromIpfs } from '../../../src/ipfs-removal.ts'
import { startIpfsFake } from './ipfs-fake.ts'

/** A node to store to and to read from: the one that `IPFS_TEST_API` names, else a fake in memory. */
export interface NodeUnderTest {
  /** Its RPC. */
  apiUrl: string
  /** Serves CIDs below `/ipfs/`. */
  gatewayUrl: string
  isReal: boolean
  /** Adds a file and pins it until the end of the test. @returns its CID */
  add(content: AsyncIterable<Buffer>): Promise<string>
  /** CIDs that are pinned under exactly this name. */
  pinsOf(name: string): Promise<string[]>
  /** Whether the node itself still has a block. */
  holds(cid: string): Promise<boolean>
  close(): Promise<void>
}

/** Opens a node; what was added to it is gone after `close`. */
export async function openIpfsNode(): Promise<NodeUnderTest> {
  const named = process.env['IPFS_TEST_API']
  const fake = named ? null : await startIpfsFake()
  const apiUrl = named ?? fake?.url ?? ''
  const { create, CID } = await import('kubo-rpc-client')
  const client = create({ url: apiUrl })
  const ours = `c2d-test-${randomUUID()}`

  return {
    apiUrl,
    gatewayUrl: named ? (process.env['IPFS_TEST_GATEWAY'] ?? (await askForGateway(named))) : apiUrl,
    isReal: fake === null,
    async add(content) {
      const cid = await addToIpfs({ url: apiUrl, headers: {} }, content)
      await client.pin.add(cid, { name: ours })
      return cid
    },
    async pinsOf(name) {
      const cids: string[] = []
      for await (const pin of client.pin.ls({ type: 'recursive', name })) {
        if ((pin as { name?: string }).name === name) cids.push(pin.cid.toString()) // the node compares parts of names
      }
      return cids
    },
    async holds(cid) {
      const answer = await fetch(`${apiUrl}/api/v0/block/stat?arg=${cid}&offline=true`, { method: 'POST' })
      await answer.body?.cancel()
      return answer.ok
    },
    async close() {
      await removeFromIpfs({ jobId: ours, cids: [] }, { client, parseCid: (text) => CID.parse(text) })
      await fake?.close()
    },
  }
}

/** Where a real node serves its gateway, on the host of its RPC. */
async function askForGateway(apiUrl: string): Promise<string> {
  const answer = await fetch(`${apiUrl}/api/v0/config?arg=Addresses.Gateway`, { method: 'POST' })
  const { Value } = (await answer.json()) as { Value: string | string[] }
  const [, port = ''] = /\/tcp\/(\d+)/.exec(String(Value)) ?? []
  return `http://${new URL(apiUrl).hostname}:${port}`
}
