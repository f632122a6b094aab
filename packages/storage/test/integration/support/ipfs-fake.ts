import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { CID } from 'kubo-rpc-client'
import { serveFile } from './origin.ts'

/**
 * As much of a node's RPC as the store calls, in memory, and a gateway beside it; the real one is tried where
 * `IPFS_TEST_API` names it.
 */
export interface IpfsFake {
  url: string
  /** What lies in the node, by CID: what anybody who knows the CID may read. */
  blocks: Map<string, Buffer>
  close(): Promise<void>
}

const RAW_CODEC = 0x55
const SHA2_256 = 0x12

export async function startIpfsFake(): Promise<IpfsFake> {
  const blocks = new Map<string, Buffer>()
  const pins = new Map<string, string>()

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const url = new URL(request.url ?? '', 'http://fake')
    const arg = url.searchParams.get('arg') ?? ''
    const cid = arg.replace(/^\/ipfs\//, '')
    const held = blocks.get(cid)
    const say = (...lines: unknown[]): unknown => response.end(lines.map((line) => JSON.stringify(line)).join('\n'))
    const fail = (Message: string): unknown => {
      response.writeHead(500, { 'content-type': 'application/json' })
      return say({ Message, Code: 0, Type: 'error' })
    }
    if (request.method === 'GET') {
      const named = url.pathname.replace('/ipfs/', '')
      const content = blocks.get(named)
      if (!content) return response.writeHead(404).end()
      serveFile(content, { etag: `"${named}"`, contentType: 'application/octet-stream' })(request, response)
      return
    }
    switch (url.pathname.replace('/api/v0/', '')) {
      case 'add': {
        const content = readPart(await buffer(request))
        const added = nameOf(content)
        blocks.set(added, content)
        return say({ Name: added, Hash: added, Size: String(content.length) })
      }
      case 'pin/add':
        if (!held) return fail('ipld: could not find it')
        pins.set(cid, url.searchParams.get('name') ?? '')
        return say({ Pins: [cid] })
      case 'pin/ls': {
        if (cid !== '') {
          return pins.has(cid) ? say({ Cid: cid, Type: 'recursive' }) : fail(`path '/ipfs/${cid}' is not pinned`)
        }
        const name = url.searchParams.get('name') ?? ''
        const found = [...pins].filter(([, pinned]) => pinned.includes(name))
        return say(...found.map(([Cid, Name]) => ({ Cid, Type: 'recursive', Name })))
      }
      case 'pin/rm':
        return pins.delete(cid) ? say({ Pins: [cid] }) : fail('not pinned or pinned indirectly')
      case 'files/stat':
        if (!held) return fail('block was not found locally (offline): ipld: could not find it')
        return say({ Hash: cid, Size: held.length, CumulativeSize: held.length, Blocks: 0, Type: 'file' })
      case 'cat': {
        if (!held) return fail('block was not found locally (offline): ipld: could not find it')
        const offset = Number(url.searchParams.get('offset') ?? 0)
        const length = Number(url.searchParams.get('length') ?? held.length)
        return response.end(held.subarray(offset, offset + length))
      }
      case 'block/stat':
        return held ? say({ Key: cid, Size: held.length }) : fail('ipld: could not find it')
      case 'refs':
        return say()
      case 'block/rm':
        return say(
          ...url.searchParams.getAll('arg').map((Hash) => {
            if (pins.has(Hash)) return { Hash, Error: 'pinned: recursive' }
            blocks.delete(Hash)
            return { Hash }
          }),
        )
      default:
        return fail(`no such command: ${url.pathname}`)
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy()) // the client left
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    blocks,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The only part of a multipart body: what lies between its header and the last border. */
function readPart(body: Buffer): Buffer {
  const border = body.subarray(0, body.indexOf('\r\n'))
  return body.subarray(body.indexOf('\r\n\r\n') + 4, body.lastIndexOf(Buffer.concat([Buffer.from('\r\n'), border])))
}

function nameOf(content: Buffer): string {
  const digest = createHash('sha256').update(content).digest()
  const multihash = { code: SHA2_256, size: 32, digest, bytes: Buffer.concat([Buffer.from([SHA2_256, 32]), digest]) }
  return CID.createV1(RAW_CODEC, multihash).toString()
}
