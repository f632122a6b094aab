import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createIpfsStore, type ObjectKeys, type ResultStore } from '@c2d/storage'
import { startIpfsFake, type IpfsFake } from './support/ipfs-fake.ts'
import { createMemoryKeys } from './support/memory-keys.ts'

// What a node, and whoever reads from it, gets to see; and what becomes of an object that somebody touched.

const JOB = 'a'.repeat(32)
const OTHER = 'b'.repeat(32)
let node: IpfsFake
let keys: Required<ObjectKeys>
let store: ResultStore

beforeEach(async () => {
  node = await startIpfsFake()
  keys = createMemoryKeys()
  store = createIpfsStore({ backend: 'ipfs', apiUrl: node.url }, { keys })
})
afterEach(() => node.close())

const plain = Buffer.concat([Buffer.from('a secret result '.repeat(10_000)), randomBytes(10)])

async function putOne(): Promise<{ url: string; cid: string; sealed: Buffer }> {
  const { url } = await store.put(JOB, 'outputs/secret.csv', Readable.from([plain]))
  const [entry] = [...node.blocks]
  if (!entry) throw new Error('nothing was stored')
  return { url, cid: entry[0], sealed: entry[1] }
}

describe('IPFS store', () => {
  it('behaviour: what lies on the node is noise, and the address does not hold the key', async () => {
    const { url, cid, sealed } = await putOne()
    expect(sealed.includes('secret')).toBe(false)
    expect(url).toBe(`ipfs:${JOB}/${cid}/outputs/secret.csv`)
    const key = await keys.load(JOB, cid)
    expect(key).toHaveLength(32)
    expect(url).not.toContain(key?.toString('hex'))
  })

  it('behaviour: each object has a key of its own, so the same bytes are another object', async () => {
    await putOne()
    await store.put(JOB, 'outputs/again', Readable.from([plain]))
    expect(node.blocks.size).toBe(2)
    const [one, two] = await Promise.all([...node.blocks.keys()].map((cid) => keys.load(JOB, cid)))
    expect(one?.equals(two ?? Buffer.alloc(0))).toBe(false)
  })

  it("error: a row that names another job's object opens nothing", async () => {
    const { url } = await putOne()
    await expect(store.open(url.replace(JOB, OTHER))).rejects.toMatchObject({ code: 'NotFound' })
  })

  it("attack: a row that names another job's object removes nothing of it, with its own job or alone", async () => {
    const { url } = await putOne()
    const named = url.replace(JOB, OTHER)
    await store.remove(OTHER, [named])
    await store.discard(named)
    expect(await buffer(await store.open(url))).toEqual(plain)
  })

  it('behaviour: what was unpinned by a removal that did not get further is removed by the next one', async () => {
    const { url, cid } = await putOne()
    await fetch(`${node.url}/api/v0/pin/rm?arg=${cid}`, { method: 'POST' })
    await expect(store.open(url)).rejects.toMatchObject({ code: 'NotFound' })
    await store.remove(JOB, [url])
    expect([...node.blocks.keys()]).toEqual([])
  })

  it("error: nor does another job's key under one's own name", async () => {
    const { url, cid } = await putOne()
    const key = await keys.load(JOB, cid)
    await keys.keep({ jobId: OTHER, object: cid, key: key ?? Buffer.alloc(32) })
    await expect(store.open(url.replace(JOB, OTHER))).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
  })

  it.each([
    ['a flipped bit', (sealed: Buffer) => flip(sealed, 100)],
    ['a flipped bit far behind', (sealed: Buffer) => flip(sealed, sealed.length - 20)],
    ['its end missing', (sealed: Buffer) => sealed.subarray(0, sealed.length - 1)],
    ['whole segments missing', (sealed: Buffer) => sealed.subarray(0, 65_552)],
    [
      'segments swapped',
      (sealed: Buffer) =>
        Buffer.concat([sealed.subarray(65_552, 131_104), sealed.subarray(0, 65_552), sealed.subarray(131_104)]),
    ],
    ['nothing left', () => Buffer.alloc(0)],
  ])('error: an object with %s is never read as the file', async (_what, spoil) => {
    const { url, cid, sealed } = await putOne()
    node.blocks.set(cid, spoil(Buffer.from(sealed)))
    await expect((async () => buffer(await store.open(url)))()).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
  })

  it('behaviour: a range is read and verified without the rest', async () => {
    const { url, cid, sealed } = await putOne()
    node.blocks.set(cid, flip(Buffer.from(sealed), 10)) // the first segment is spoilt
    const range = { start: 70_000, end: 70_015 }
    expect((await buffer(await store.open(url, range))).equals(plain.subarray(70_000, 70_016))).toBe(true)
    await expect(store.open(url, { start: 0, end: 15 })).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
  })

  it('error: a forgotten key is the end of the object', async () => {
    const { url } = await putOne()
    const without = createIpfsStore({ backend: 'ipfs', apiUrl: node.url }, { keys: createMemoryKeys() })
    await expect(without.open(url)).rejects.toMatchObject({ code: 'NotFound' })
    await expect(without.stat(url)).rejects.toMatchObject({ code: 'NotFound' })
  })

  it('error: what cannot keep its key is not stored', async () => {
    const forgetful: ObjectKeys = {
      keep: () => Promise.reject(new Error('no room')),
      load: () => Promise.resolve(null),
    }
    const one = createIpfsStore({ backend: 'ipfs', apiUrl: node.url }, { keys: forgetful })
    await expect(one.put(JOB, 'outputs/a', Readable.from(['x']))).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    const keyless = createIpfsStore({ backend: 'ipfs', apiUrl: node.url }, {})
    await expect(keyless.put(JOB, 'outputs/a', Readable.from(['x']))).rejects.toThrow('without a place for its key')
  })

  it('error: a node that is not there is said to be so', async () => {
    const { url } = await putOne()
    await node.close()
    await expect(store.open(url)).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    await expect(store.remove(JOB, [url])).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    node = await startIpfsFake()
  })
})

function flip(sealed: Buffer, at: number): Buffer {
  sealed.writeUInt8(sealed.readUInt8(at) ^ 1, at)
  return sealed
}
