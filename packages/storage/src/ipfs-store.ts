import { Readable } from 'node:stream'
import { AppError } from '@c2d/runtime'
import type { KuboRPCClient } from 'kubo-rpc-client'
import { addToIpfs, pinOnIpfs } from './ipfs-add.ts'
import { removeFromIpfs, removeObjectFromIpfs } from './ipfs-removal.ts'
import { LendingStream, returnBuffer } from './lending-stream.ts'
import { createMeter } from './measure-bytes.ts'
import { assertResultPath, formatResultAddress, parseResultAddress } from './result-address.ts'
import { resultNotFound, type ObjectKeys, type ResultStore } from './result-store.ts'
import type { IpfsTarget } from './results-config.ts'
import {
  generateSegmentKey,
  locateRange,
  openStream,
  plainSize,
  sealStream,
  type SegmentKey,
} from './segment-cipher.ts'

/** A node that knows an object answers at once; for one it does not know it asks the network for ever. */
const STAT_MS = 30_000

/**
 * Results on IPFS, which is public: each object is encrypted with a key of its own (DESIGN §4.7), pinned under its
 * job's id, and addressed as `ipfs:<jobId>/<CID>/<path>`. A row that names another job's CID finds no key for it.
 * @param deps.keys without them objects can be removed, and neither stored nor read
 */
export function createIpfsStore(target: IpfsTarget, deps: { keys?: ObjectKeys | undefined }): ResultStore {
  const headers = {
    ...(target.apiKey ? { 'X-API-KEY': target.apiKey.reveal() } : {}),
    ...(target.apiClient === undefined ? {} : { 'CLIENT-ID': target.apiClient }),
  }
  const api = { url: target.apiUrl, headers }
  let opened: Promise<KuboRPCClient> | undefined

  function open(): Promise<KuboRPCClient> {
    opened ??= import('kubo-rpc-client').then(({ create }) => create({ url: target.apiUrl, headers }))
    return opened
  }

  async function openForRemoval() {
    const { CID } = await import('kubo-rpc-client')
    return { client: await open(), parseCid: (text: string) => CID.parse(text) }
  }

  async function find(url: string): Promise<Found> {
    const { jobId, cid } = parseIpfsAddress(url)
    const key = await deps.keys?.load?.(jobId, cid)
    if (!key) throw resultNotFound()
    try {
      const client = await open()
      const signal = AbortSignal.timeout(STAT_MS)
      // What is not pinned any more was removed, although the node may have it until it collects.
      const [{ size }] = await Promise.all([
        client.files.stat(`/ipfs/${cid}`, { signal }),
        assertPinned(cid, { client, signal }),
      ])
      return { cid, key: { key, context: contextOf(jobId) }, sealedBytes: size, sizeBytes: plainSize(size) }
    } catch (thrown) {
      throw translate(thrown)
    }
  }

  return {
    async put(jobId, path, source) {
      assertResultPath(path)
      const { keys } = deps
      if (!keys?.keep) throw new Error('nothing goes to IPFS without a place for its key')
      const key = generateSegmentKey()
      const measured = createMeter()
      try {
        // Unpinned until it is whole: what a cut connection leaves goes with the node's next collection.
        const sealed = sealStream(
          measured.pass(source),
          { key, context: contextOf(jobId) },
          // A segment is one whole buffer that was lent, or a copy of its own.
          source instanceof LendingStream ? returnBuffer : undefined,
        )
        const object = await addToIpfs(api, sealed)
        await pinOnIpfs(api, object, jobId)
        await keys.keep({ jobId, object, key })
        return { url: formatResultAddress({ backend: 'ipfs', jobId, path: `${object}/${path}` }), ...measured.total() }
      } catch (thrown) {
        throw measured.failure() ?? translate(thrown)
      } finally {
        source.destroy()
      }
    },

    async stat(url) {
      return { sizeBytes: (await find(url)).sizeBytes }
    },

    async open(url, range) {
      const { cid, key, sealedBytes } = await find(url)
      const place = locateRange(range ?? null, sealedBytes)
      const client = await open()
      const cut = new AbortController()
      const { offset, length } = place
      const opening = openStream(toBuffers(client.cat(cid, { offset, length, signal: cut.signal })), place, key)
      // The first piece is verified before there is a stream at all: what is broken from the start is an error yet.
      const first = await opening.next().catch((thrown: unknown) => {
        throw translate(thrown)
      })
      async function* pieces(): AsyncGenerator<Buffer> {
        try {
          if (first.done) return
          yield first.value
          yield* opening
        } catch (thrown) {
          throw translate(thrown)
        } finally {
          cut.abort() // nobody reads on
        }
      }
      return Readable.from(pieces(), { objectMode: false })
    },

    async remove(jobId, urls) {
      const named = urls.flatMap((url) => {
        const address = readIpfsAddress(url)
        return address?.jobId === jobId ? [address.cid] : []
      })
      try {
        await removeFromIpfs({ jobId, cids: named }, await openForRemoval())
      } catch (thrown) {
        throw translate(thrown)
      }
    },

    async discard(url) {
      const { jobId, cid } = parseIpfsAddress(url)
      try {
        await removeObjectFromIpfs({ jobId, cid }, await openForRemoval())
      } catch (thrown) {
        throw translate(thrown)
      }
    },
  }
}

interface Found {
  cid: string
  key: SegmentKey
  sealedBytes: number
  sizeBytes: number
}

/** @throws AppError `NotFound`, or the node's error, where the object is not pinned */
async function assertPinned(cid: string, node: { client: KuboRPCClient; signal: AbortSignal }): Promise<void> {
  let isPinned = false
  for await (const pin of node.client.pin.ls({ paths: cid, type: 'recursive', signal: node.signal })) {
    isPinned ||= pin.type === 'recursive'
  }
  if (!isPinned) throw resultNotFound()
}

/** Binds an object to its job: its key opens nothing else. */
function contextOf(jobId: string): string {
  return `c2d result v1 ${jobId}`
}

function parseIpfsAddress(url: string): { jobId: string; cid: string } {
  const { backend, jobId, path } = parseResultAddress(url)
  const cid = path.split('/')[0] ?? ''
  if (backend !== 'ipfs' || !/^[A-Za-z0-9]{46,128}$/.test(cid)) throw resultNotFound()
  return { jobId, cid }
}

function readIpfsAddress(url: string): { jobId: string; cid: string } | null {
  try {
    return parseIpfsAddress(url)
  } catch {
    return null // of another backend
  }
}

async function* toBuffers(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of source) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
}

function translate(thrown: unknown): Error {
  if (thrown instanceof AppError) return thrown
  const { message = '' } = thrown as { message?: string }
  // In the node's words; it has no codes for them.
  if (/not found|could not find|no such|does not exist|is not pinned/i.test(message)) return resultNotFound()
  return new AppError('UpstreamUnavailable', {
    detail: 'The storage of results does not answer, or not with what was stored.',
    cause: thrown,
  })
}
