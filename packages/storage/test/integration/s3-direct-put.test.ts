import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Secret } from '@c2d/runtime'
import { createS3Store } from '@c2d/storage'
import { buildS3ClientConfig } from '../../src/s3-client-config.ts'
import { createDirectPut } from '../../src/s3-direct-put.ts'
import { openBucket, type BucketUnderTest } from './support/s3-server.ts'

const JOB = '0123456789abcdef0123456789abcdef'
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('objects that are put past the SDK', () => {
  let bucket: BucketUnderTest
  beforeAll(async () => {
    bucket = await openBucket()
  }, 60_000)
  afterAll(() => bucket.close())

  function open(changes: Partial<BucketUnderTest['target']> = {}) {
    const target = { ...bucket.target, ...changes }
    const client = new S3Client(buildS3ClientConfig(target))
    const direct = createDirectPut(target, client)
    if (!direct) throw new Error('it has no part in this')
    return {
      put: (path: string, bytes: Buffer) =>
        direct.put({ Bucket: target.bucket, Key: `${target.prefix}${JOB}/${path}` }, bytes, sha256(bytes)),
      close: () => {
        direct.close()
        client.destroy()
      },
    }
  }

  it.each([
    'outputs/a.csv',
    'outputs/a file with blanks.csv',
    'outputs/résultat 結果 🧪.json',
    'outputs/100%/a+b&c=d?e#f;g,h.txt',
    `outputs/"quoted" 'and' <angled> (round) [square] *!~.txt`,
    'outputs/%2e%2e/%00',
  ])('behaviour: are there under their name, signed as the server wants it (%j)', async (path) => {
    const direct = open()
    expect(await direct.put(path, Buffer.from(path))).toBe(true)
    direct.close()
    const store = createS3Store(bucket.target)
    expect((await buffer(await store.open(`s3:${JOB}/${path}`))).toString()).toBe(path)
    store.close()
  })

  it.each([
    ['another bucket than there is', { bucket: 'c2d-there-is-no-such-bucket' }],
    ['a server that is not there', { endpoint: 'http://127.0.0.1:9' }],
  ])('behaviour: are left to the SDK where it does not work: %s', async (_what, changes) => {
    const direct = open(changes)
    expect(await direct.put('outputs/a', Buffer.from('x'))).toBe(false)
    direct.close()
  })

  it('error: whose failures are then told as always', async () => {
    const store = createS3Store({ ...bucket.target, bucket: 'c2d-there-is-no-such-bucket' })
    await expect(
      store.put(JOB, 'outputs/a', Readable.from([Buffer.from('x')]), { sizeBytes: 1 }),
    ).rejects.toMatchObject({
      name: 'AppError',
    })
    store.close()
  })

  it('behaviour: neither buckets of AWS nor keys of the customer’s go this way', () => {
    const client = new S3Client(buildS3ClientConfig(bucket.target))
    const { endpoint: _endpoint, ...ofAws } = bucket.target
    expect(createDirectPut(ofAws, client)).toBeNull()
    const encryption = { kind: 'customer', key: new Secret(Buffer.alloc(32).toString('base64')) } as const
    expect(createDirectPut({ ...bucket.target, encryption }, client)).toBeNull()
    client.destroy()
  })
})
