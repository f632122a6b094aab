import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Secret } from '@c2d/runtime'
import { createS3Store, type S3Target } from '@c2d/storage'

// What a server of S3 is asked, request by request; what it keeps is the conformance suite's.

interface Asked {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: Buffer
}
type Answer = (asked: Asked, response: ServerResponse) => void

const JOB = 'a'.repeat(32)
let asked: Asked[]
let answer: Answer
let target: S3Target
let close: () => Promise<void>

beforeEach(async () => {
  asked = []
  answer = (request, response) => {
    const { method, query } = request
    response.setHeader('etag', '"e"')
    if (method === 'POST' && query.has('uploads'))
      return response.end(xml('InitiateMultipartUploadResult', '<UploadId>u1</UploadId>'))
    if (method === 'POST' && query.has('uploadId'))
      return response.end(xml('CompleteMultipartUploadResult', '<ETag>"e"</ETag>'))
    return response.end()
  }
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const url = new URL(request.url ?? '', 'http://s3')
      const one = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body,
      }
      asked.push(one)
      answer(one, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  target = {
    backend: 's3',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    bucket: 'results',
    adminlogsBucket: 'logs',
    prefix: 'c2d/',
    pathStyle: true,
    credentials: { accessKeyId: 'AKIA', secretAccessKey: new Secret('s') },
  }
  close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
afterEach(() => close())

function xml(name: string, inner: string): string {
  return `<?xml version="1.0"?><${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${name}>`
}

/** As a file gives its bytes; a `Readable` over one large Buffer would be cut at once. */
function bytesOf(sizeBytes: number): Readable {
  return Readable.from(
    (function* () {
      for (let left = sizeBytes; left > 0; left -= 65_536) yield randomBytes(Math.min(left, 65_536))
    })(),
  )
}

const put = (path: string, sizeBytes: number, over: Partial<S3Target> = {}) =>
  createS3Store({ ...target, ...over }).put(JOB, path, bytesOf(sizeBytes), { sizeBytes })

describe('S3 store, on the wire', () => {
  it('stores privately, below prefix and job, in the bucket of its kind', async () => {
    await put('outputs/a b.csv', 10)
    await put('adminlogs/publish.log', 10)
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `PUT /results/c2d/${JOB}/outputs/a%20b.csv`,
      `PUT /logs/c2d/${JOB}/adminlogs/publish.log`,
    ])
    for (const { headers } of asked) {
      expect(headers['x-amz-acl']).toBeUndefined()
      expect(headers['content-type']).toBe('application/octet-stream')
      expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIA\//)
    }
  })

  it.each([
    [{ kind: 'AES256' as const }, { 'x-amz-server-side-encryption': 'AES256' }],
    [
      { kind: 'aws:kms' as const, keyId: 'key-1' },
      { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'key-1' },
    ],
    [
      { kind: 'customer' as const, key: new Secret(Buffer.alloc(32, 7).toString('base64')) },
      {
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        'x-amz-server-side-encryption-customer-key': Buffer.alloc(32, 7).toString('base64'),
        'x-amz-server-side-encryption-customer-key-md5': expect.any(String),
      },
    ],
  ])('asks for server-side encryption (%j)', async (encryption, headers) => {
    await put('outputs/a', 10, { encryption })
    await put('outputs/b', 9 * 1024 ** 2, { encryption })
    expect(asked[0]?.headers).toMatchObject(headers)
    expect(asked.find(({ query }) => query.has('uploads'))?.headers).toMatchObject(headers)
    if (encryption.kind !== 'customer') return
    for (const { headers: sent } of asked.filter(({ query }) => query.has('partNumber')))
      expect(sent).toMatchObject(headers)
    await createS3Store({ ...target, encryption }).stat(`s3:${JOB}/outputs/a`)
    expect(asked.at(-1)).toMatchObject({ method: 'HEAD', headers })
  })

  it('error: a path that is longer than keys may be is refused before anything is asked', async () => {
    await expect(put(`outputs/${`${'d'.repeat(200)}/`.repeat(6)}a`, 1)).rejects.toMatchObject({
      code: 'InvalidRequest',
    })
    expect(asked).toEqual([])
  })

  it('behaviour: small files are asked for once, and what fails is asked for again', async () => {
    const usual = answer
    let failures = 2
    answer = (request, response) => {
      if (failures-- > 0) response.writeHead(503).end()
      else usual(request, response)
    }
    expect(await put('outputs/a', 10)).toMatchObject({ sizeBytes: 10 })
    expect(asked.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'PUT'])
    await put('outputs/b', 10)
    expect(asked).toHaveLength(4)
  })

  it('behaviour: a file is sent in parts of which few are in memory at a time', async () => {
    const waiting: (() => void)[] = []
    const usual = answer
    answer = (request, response) => {
      if (!request.query.has('partNumber')) usual(request, response)
      else waiting.push(() => usual(request, response))
    }
    let readBytes = 0
    const source = bytesOf(60 * 1024 ** 2).map((chunk: Buffer) => {
      readBytes += chunk.length
      return chunk
    })
    const storing = createS3Store(target).put(JOB, 'outputs/big', source, { sizeBytes: 60 * 1024 ** 2 })
    while (waiting.length < 5) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(readBytes).toBeLessThan(26 * 1024 ** 2) // five parts, and what the stream itself holds
    answer = usual
    for (const respond of waiting) respond()
    expect((await storing).sizeBytes).toBe(60 * 1024 ** 2)
  }, 60_000)

  it('behaviour: a part that fails is sent again, alone', async () => {
    const usual = answer
    let failures = 2
    answer = (request, response) => {
      if (request.query.get('partNumber') === '2' && failures-- > 0) response.writeHead(503).end()
      else usual(request, response)
    }
    const stored = await put('outputs/big', 20 * 1024 ** 2)
    expect(stored.sizeBytes).toBe(20 * 1024 ** 2)
    const parts = asked.flatMap(({ query }) => query.get('partNumber') ?? [])
    expect(parts.sort()).toEqual(['1', '2', '2', '2', '3', '4'])
    expect(asked.at(-1)?.body.toString()).toMatch(/<PartNumber>1<.*<PartNumber>2<.*<PartNumber>3<.*<PartNumber>4</s)
  }, 30_000)

  it('error: an upload that cannot be finished is aborted, and says whose fault it is not', async () => {
    const usual = answer
    answer = (request, response) =>
      request.query.get('partNumber') === '2' ? response.writeHead(403).end() : usual(request, response)
    await expect(put('outputs/big', 20 * 1024 ** 2)).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    expect(asked.some(({ method, query }) => method === 'DELETE' && query.get('uploadId') === 'u1')).toBe(true)
  })

  it('error: a source that breaks aborts the upload too', async () => {
    const broken = Readable.from(
      (async function* () {
        yield* bytesOf(20 * 1024 ** 2)
        throw new Error('the disk broke')
      })(),
    )
    await expect(createS3Store(target).put(JOB, 'outputs/a', broken)).rejects.toThrow('the disk broke')
    expect(asked.some(({ method, query }) => method === 'DELETE' && query.get('uploadId') === 'u1')).toBe(true)
    expect(asked.some(({ method, query }) => method === 'POST' && query.has('uploadId'))).toBe(false)
  })

  it('behaviour: removing ends unfinished uploads first, then deletes what is there, page by page', async () => {
    let left = 1_500
    answer = (request, response) => {
      const { method, query } = request
      if (query.has('uploads')) {
        const upload = `<Upload><Key>c2d/${JOB}/outputs/half</Key><UploadId>u9</UploadId></Upload>`
        return response.end(xml('ListMultipartUploadsResult', `${upload}<IsTruncated>false</IsTruncated>`))
      }
      if (query.get('list-type') === '2') {
        const page = Math.min(left, 1_000)
        left -= page
        const contents = Array.from(
          { length: page },
          (_, n) => `<Contents><Key>c2d/${JOB}/outputs/${n}</Key></Contents>`,
        )
        return response.end(xml('ListBucketResult', contents.join('')))
      }
      return method === 'DELETE' ? response.writeHead(204).end() : response.end(xml('DeleteResult', ''))
    }
    await createS3Store({ ...target, adminlogsBucket: undefined }).remove(JOB, [])
    const said = asked.map(
      ({ method, query }) =>
        `${method} ${[...query.keys()]
          .filter((key) => key !== 'x-id')
          .sort()
          .join()}`,
    )
    expect(said[0]).toBe('GET prefix,uploads')
    expect(said[1]).toBe('DELETE uploadId')
    expect(said.filter((line) => line === 'POST delete')).toHaveLength(2)
    expect(asked.every(({ query }) => (query.get('prefix') ?? `c2d/${JOB}/`) === `c2d/${JOB}/`)).toBe(true)
  })

  it('error: what could not be deleted is no success', async () => {
    answer = ({ query }, response) => {
      if (query.has('uploads')) return response.end(xml('ListMultipartUploadsResult', ''))
      if (query.get('list-type')) return response.end(xml('ListBucketResult', '<Contents><Key>k</Key></Contents>'))
      return response.end(xml('DeleteResult', '<Error><Key>k</Key><Code>AccessDenied</Code></Error>'))
    }
    await expect(createS3Store(target).remove(JOB, [])).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
  })

  it('error: a server that gives all where a range was asked is not believed', async () => {
    answer = (_, response) => response.end('everything')
    await expect(createS3Store(target).open(`s3:${JOB}/outputs/a`, { start: 3, end: 5 })).rejects.toMatchObject({
      code: 'UpstreamUnavailable',
    })
  })

  it('error: a key longer than a bucket takes is refused before anything is sent', async () => {
    await expect(put(`outputs/${'x/'.repeat(600)}y`, 1)).rejects.toMatchObject({ code: 'InvalidRequest' })
    expect(asked).toEqual([])
  })

  it('error: answers name neither bucket nor key', async () => {
    answer = (_, response) =>
      response.writeHead(403).end(xml('Error', '<Code>AccessDenied</Code><Message>no</Message>'))
    const error = await createS3Store(target)
      .open(`s3:${JOB}/outputs/a`)
      .catch((thrown: unknown) => thrown)
    expect(String(error)).not.toMatch(/results\/|c2d|127\.0\.0\.1/)
  })
})
