import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable, addAbortSignal } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createGuardedUpload } from '@c2d/http-kit'
import { createConsumerTarget } from '@c2d/storage'
import { cutUploads } from '../../src/deliveries/cut-uploads.ts'
import { waitUntil } from './executor-conformance.ts'

let server: Server
let host: string
let asked: string[]

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://s3')
    asked.push(
      `${request.method}${searchParams.has('partNumber') ? ' part' : ''} ${searchParams.get('uploadId') ?? ''}`,
    )
    if (request.method === 'PUT') return // a part that is taken, and never answered
    request.resume().once('end', () => {
      const id = '<UploadId>u1</UploadId>'
      const started = `<InitiateMultipartUploadResult>${id}</InitiateMultipartUploadResult>`
      response.writeHead(request.method === 'DELETE' ? 204 : 200).end(request.method === 'POST' ? started : '')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

describe('a delivery that is cut', () => {
  it('takes its parts back from the consumer’s bucket', async () => {
    const cut = new AbortController()
    const upload = createGuardedUpload({ allowList: [host], timeoutMs: 60_000, connections: 4 })
    const target = createConsumerTarget(
      {
        type: 's3',
        endpoint: `http://${host}`,
        region: 'us-east-1',
        bucket: 'bucket',
        prefix: '',
        accessKeyId: 'a',
        secretAccessKey: 's',
        forcePathStyle: true,
      },
      { jobId: 'ab'.repeat(16) },
      { upload: cutUploads(upload, cut.signal) },
    )
    const sizeBytes = 12 * 1024 ** 2
    const bytes = Readable.from([Buffer.alloc(sizeBytes)], { objectMode: false })
    const put = target.put({ path: 'outputs/large.bin', sizeBytes, source: addAbortSignal(cut.signal, bytes) })
    put.catch(() => undefined)
    await waitUntil(() => asked.includes('PUT part u1'), 60_000)
    cut.abort()
    await expect(put).rejects.toThrow()
    expect(asked.at(-1)).toBe('DELETE u1')
  })
})
