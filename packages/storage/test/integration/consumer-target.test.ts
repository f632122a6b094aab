import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createGuardedUpload } from '@c2d/http-kit'
import type { ConsumerStorage } from '@c2d/contracts'
import { createConsumerTarget } from '../../src/consumer-target.ts'
import { openBucket, type BucketUnderTest } from './support/s3-server.ts'

const JOB_ID = 'ab'.repeat(16)
const bytes = randomBytes(9 * 1024 * 1024 + 3)
const hashOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex')
const sourceOf = (content: Buffer): Readable => Readable.from(cut(content), { objectMode: false })

describe('a consumer’s own storage', () => {
  let server: Server
  let host: string
  /** What was put, by its path. */
  const kept = new Map<string, Buffer>()
  const seen: IncomingMessage[] = []
  let statuses: number[] = []

  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(request)
      const status = statuses.shift() ?? 201
      const chunks: Buffer[] = []
      if (status === 403) {
        response.writeHead(403, { Connection: 'close' }).end('not you, secret details') // before the body is read
        return
      }
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        kept.set(request.url ?? '', Buffer.concat(chunks))
        response.writeHead(status, status === 302 ? { Location: 'http://169.254.169.254/' } : {}).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    kept.clear()
    seen.length = 0
    statuses = []
  })

  const uploadTo = (allowed: string) => createGuardedUpload({ allowList: [allowed], timeoutMs: 5_000, connections: 4 })
  const webTarget = (url = `http://${host}/mine/`, allowed = host) =>
    createConsumerTarget(
      { type: 'url', url, method: 'PUT', headers: { Authorization: 'Bearer key' } },
      { jobId: JOB_ID },
      { upload: uploadTo(allowed) },
    )

  it('gets each file below a folder of the job, with the consumer’s headers', async () => {
    const put = await webTarget().put({
      path: 'outputs/tables/größe 1.csv',
      sizeBytes: bytes.length,
      source: sourceOf(bytes),
    })
    expect(put).toEqual({ sizeBytes: bytes.length, sha256: hashOf(bytes) })
    const [[path, body] = []] = kept
    expect(path).toBe(`/mine/${JOB_ID}/outputs/tables/gr%C3%B6%C3%9Fe%201.csv`)
    expect(body?.equals(bytes)).toBe(true)
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer key', 'content-length': String(bytes.length) })
  })

  it('behaviour: what has no size yet is sent in chunks', async () => {
    await webTarget().put({ path: 'outputs.tar', sizeBytes: null, source: sourceOf(Buffer.from('tar')) })
    expect(seen[0]?.headers['transfer-encoding']).toBe('chunked')
    expect(kept.get(`/mine/${JOB_ID}/outputs.tar`)?.toString()).toBe('tar')
  })

  it.each([
    [503, 'UpstreamUnavailable'],
    [429, 'UpstreamUnavailable'],
    [404, 'NotAllowed'],
    [302, 'NotAllowed'],
  ])('error: %i is %s, in a sentence without an address', async (status, code) => {
    statuses = [status]
    const put = webTarget().put({ path: 'outputs/a', sizeBytes: 1, source: sourceOf(Buffer.from('a')) })
    await expect(put).rejects.toMatchObject({ code, detail: `The storage answered ${status}.` })
    expect(seen).toHaveLength(1)
  })

  it('error: a refusal in the middle of a large body is heard', async () => {
    statuses = [403]
    const put = webTarget().put({ path: 'outputs/a', sizeBytes: bytes.length, source: sourceOf(bytes) })
    await expect(put).rejects.toMatchObject({ detail: expect.stringMatching(/^The storage (answered 403|does not)/) })
  })

  it('error: a private address is not gone to', async () => {
    const put = webTarget(undefined, 'elsewhere:1').put({
      path: 'outputs/a',
      sizeBytes: 1,
      source: sourceOf(Buffer.from('a')),
    })
    await expect(put).rejects.toMatchObject({ code: 'FilesUnavailable', detail: 'The address is not a public one.' })
    expect(seen).toEqual([])
  })

  it('error: a source that breaks is told as that, and nothing looks whole', async () => {
    const source = Readable.from(
      (function* () {
        yield Buffer.from('half')
        throw new Error('the file changed')
      })(),
      { objectMode: false },
    )
    await expect(webTarget().put({ path: 'outputs/a', sizeBytes: 8, source })).rejects.toThrow('the file changed')
    expect(kept.size).toBe(0)
  })

  const LEADING_ELSEWHERE = ['../a', 'outputs/../../a', '/etc/passwd', 'outputs//a', 'outputs/a\0b', '']

  it.each(LEADING_ELSEWHERE)('error: a name that leads out of the job’s folder is not sent (%j)', async (path) => {
    const put = webTarget().put({ path, sizeBytes: 1, source: sourceOf(Buffer.from('x')) })
    await expect(put).rejects.toMatchObject({ code: 'InvalidRequest' })
    expect(seen).toEqual([])
  })

  describe('in a bucket', () => {
    let bucket: BucketUnderTest
    let storage: Extract<ConsumerStorage, { type: 's3' }>

    beforeAll(async () => {
      bucket = await openBucket()
      const { target } = bucket
      storage = {
        type: 's3',
        endpoint: target.endpoint,
        region: target.region,
        bucket: target.bucket,
        prefix: 'from-jobs/',
        accessKeyId: target.credentials?.accessKeyId ?? '',
        secretAccessKey: target.credentials?.secretAccessKey.reveal() ?? '',
        forcePathStyle: true,
      }
    })
    afterAll(() => bucket.close())

    const target = (changes: Partial<typeof storage> = {}) =>
      createConsumerTarget(
        { ...storage, ...changes },
        { jobId: JOB_ID },
        { upload: uploadTo(new URL(storage.endpoint ?? '').host) },
      )

    async function asConsumer<T>(ask: (client: S3Client) => Promise<T>): Promise<T> {
      const { endpoint = '', region, accessKeyId, secretAccessKey } = storage
      const credentials = { accessKeyId, secretAccessKey }
      const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
      try {
        return await ask(client)
      } finally {
        client.destroy()
      }
    }

    const read = (key: string): Promise<Buffer> =>
      asConsumer(async (client) => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: storage.bucket, Key: key }))
        return Buffer.from((await Body?.transformToByteArray()) ?? [])
      })

    it('behaviour: large files arrive in parts, small and empty ones too', async () => {
      for (const [path, content] of [
        ['outputs/large +&?.bin', bytes],
        ['outputs/small.txt', Buffer.from('small')],
        ['outputs/empty', Buffer.alloc(0)],
      ] as const) {
        const put = await target().put({ path, sizeBytes: content.length, source: sourceOf(content) })
        expect(put.sha256).toBe(hashOf(content))
        expect((await read(`from-jobs/${JOB_ID}/${path}`)).equals(content)).toBe(true)
      }
    })

    it.each(LEADING_ELSEWHERE)('error: nor is it there (%j), and nor is a prefix that leads up', async (path) => {
      const file = { sizeBytes: 1, source: sourceOf(Buffer.from('x')) }
      await expect(target().put({ ...file, path })).rejects.toMatchObject({ code: 'InvalidRequest' })
      const upwards = target({ prefix: '../another-bucket/' }).put({ ...file, path: 'outputs/a' })
      await expect(upwards).rejects.toThrow()
      await expect(read(`another-bucket/${JOB_ID}/outputs/a`)).rejects.toThrow()
    })

    // The server for development keeps no list.
    const itOnReal = process.env['S3_TEST_ENDPOINT'] ? it : it.skip
    itOnReal('behaviour: an upload that a killed try left unfinished is ended by the next one in parts', async () => {
      const place = { Bucket: storage.bucket, Key: `from-jobs/${JOB_ID}/outputs/left.bin` }
      const list = new ListMultipartUploadsCommand({ Bucket: storage.bucket })
      await asConsumer((client) => client.send(new CreateMultipartUploadCommand(place)))
      expect((await asConsumer((client) => client.send(list))).Uploads).toHaveLength(1)
      await target().put({ path: 'outputs/large.bin', sizeBytes: bytes.length, source: sourceOf(bytes) })
      expect((await asConsumer((client) => client.send(list))).Uploads ?? []).toEqual([])
    })

    it('error: a bucket that refuses is told without its name', async () => {
      const put = target({ bucket: 'no-such-bucket-here' }).put({
        path: 'outputs/a',
        sizeBytes: 1,
        source: sourceOf(Buffer.from('a')),
      })
      await expect(put).rejects.toMatchObject({ code: 'NotAllowed', detail: 'The storage answered 404.' })
    })
  })
})

function* cut(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536)
}
