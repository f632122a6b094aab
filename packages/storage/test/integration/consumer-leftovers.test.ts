import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createGuardedUpload } from '@c2d/http-kit'
import { createConsumerTarget } from '../../src/consumer-target.ts'

// Uploads in parts that an earlier try could not end: a server that keeps a list of them, as far as a target asks.

const JOB_ID = 'ab'.repeat(16)
const OF_JOB = `mine/${JOB_ID}/outputs/large.bin`
const LARGE_BYTES = 6 * 1024 ** 2

let server: Server
let host: string
let unfinished: { key: string; id: string }[]
let canList: boolean
/** Method and path of each request, and what of its query names an upload. */
let asked: string[]

beforeEach(async () => {
  unfinished = []
  canList = true
  asked = []
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://s3')
    const id = searchParams.get('uploadId')
    asked.push(`${request.method} ${pathname}${searchParams.has('uploads') ? '?uploads' : ''}${id ? `?${id}` : ''}`)
    request.resume().once('end', () => {
      response.setHeader('ETag', '"e"')
      if (request.method === 'GET') {
        if (!canList) return response.writeHead(403).end()
        const uploads = unfinished.map(({ key, id }) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`)
        return response.end(xml('ListMultipartUploadsResult', uploads.join('')))
      }
      if (request.method === 'DELETE') {
        unfinished = unfinished.filter((upload) => upload.id !== id)
        return response.writeHead(204).end()
      }
      if (request.method === 'POST' && !id) {
        unfinished.push({ key: pathname.slice('/bucket/'.length), id: 'new' })
        return response.end(xml('InitiateMultipartUploadResult', '<UploadId>new</UploadId>'))
      }
      if (request.method === 'POST') unfinished = unfinished.filter((upload) => upload.id !== id)
      return response.end(request.method === 'POST' ? xml('CompleteMultipartUploadResult', '<ETag>"e"</ETag>') : '')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

function xml(name: string, inner: string): string {
  return `<?xml version="1.0"?><${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${name}>`
}

const openTarget = () =>
  createConsumerTarget(
    {
      type: 's3',
      endpoint: `http://${host}`,
      region: 'us-east-1',
      bucket: 'bucket',
      prefix: 'mine/',
      accessKeyId: 'a',
      secretAccessKey: 's',
      forcePathStyle: true,
    },
    { jobId: JOB_ID },
    { upload: createGuardedUpload({ allowList: [host], timeoutMs: 5_000, connections: 4 }) },
  )

const fileOf = (path: string, sizeBytes: number) => ({
  path,
  sizeBytes,
  source: Readable.from([Buffer.alloc(sizeBytes)], { objectMode: false }),
})

describe('uploads that an earlier try left unfinished in a consumer’s bucket', () => {
  it('are ended before the first one in parts, and once', async () => {
    unfinished = [
      { key: OF_JOB, id: 'left-1' },
      { key: `mine/${JOB_ID}/outputs/other.bin`, id: 'left-2' },
    ]
    const target = openTarget()
    const sent = ['outputs/large.bin', 'outputs/another.bin'].map((path) => target.put(fileOf(path, LARGE_BYTES)))
    expect(await Promise.all(sent)).toMatchObject([{ sizeBytes: LARGE_BYTES }, { sizeBytes: LARGE_BYTES }])
    expect(unfinished).toEqual([])
    expect(asked.filter((line) => line.startsWith('GET'))).toHaveLength(1)
    const [ended, begun] = [asked.findLastIndex(isOf('DELETE')), asked.findIndex(isOf('POST'))]
    expect(ended).toBeGreaterThan(0)
    expect(ended).toBeLessThan(begun)
  })

  it('behaviour: small files ask for no list', async () => {
    await openTarget().put(fileOf('outputs/small', 3))
    expect(asked).toEqual([`PUT /bucket/mine/${JOB_ID}/outputs/small`])
  })

  it('attack: a server that lists what is not of the job ends nothing by it', async () => {
    unfinished = [{ key: 'mine/of-another/large.bin', id: 'theirs' }]
    await openTarget().put(fileOf('outputs/large.bin', LARGE_BYTES))
    expect(unfinished).toEqual([{ key: 'mine/of-another/large.bin', id: 'theirs' }])
  })

  it('behaviour: keys that may not list send the file all the same', async () => {
    canList = false
    unfinished = [{ key: OF_JOB, id: 'left' }]
    expect(await openTarget().put(fileOf('outputs/large.bin', LARGE_BYTES))).toMatchObject({ sizeBytes: LARGE_BYTES })
    expect(unfinished).toEqual([{ key: OF_JOB, id: 'left' }])
  })
})

function isOf(method: string): (line: string) => boolean {
  return (line) => line.startsWith(`${method} `)
}
