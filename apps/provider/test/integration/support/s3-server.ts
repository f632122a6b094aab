import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

const require = createRequire(import.meta.url)

/** The part of s3rver that is used here; it comes without types. */
interface S3rver {
  run(): Promise<AddressInfo>
  close(): Promise<void>
}

/** A server of S3 objects, with one bucket. */
export interface S3Server {
  /** `host:port`, as an allow-list names it. */
  host: string
  /** Puts an object there; gives the file object that names it. */
  put(objectKey: string, content: string): Promise<S3FileObject>
  close(): Promise<void>
}

/** A file object of type `s3`, as a publisher encrypts it. */
export interface S3FileObject {
  type: 's3'
  endpoint: string
  region: string
  bucket: string
  objectKey: string
  accessKeyId: string
  secretAccessKey: string
  forcePathStyle: boolean
}

/** Opens the server that `S3_TEST_ENDPOINT` names; where it names none, starts one. */
export async function openS3Server(): Promise<S3Server> {
  const place = process.env['S3_TEST_ENDPOINT'] ? namedServer(process.env['S3_TEST_ENDPOINT']) : await ownServer()
  const { endpoint, region, accessKeyId, secretAccessKey } = place
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  const bucket = `c2d-provider-${process.pid}-${Date.now()}`
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  return {
    host: new URL(endpoint).host,
    async put(objectKey, content) {
      await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: objectKey, Body: content, ContentType: 'text/csv' }),
      )
      return { type: 's3', endpoint, region, bucket, objectKey, accessKeyId, secretAccessKey, forcePathStyle: true }
    },
    async close() {
      client.destroy()
      await place.close()
    },
  }
}

function namedServer(endpoint: string) {
  return {
    endpoint,
    region: process.env['S3_TEST_REGION'] ?? 'us-east-1',
    accessKeyId: process.env['S3_TEST_ACCESS_KEY'] ?? '',
    secretAccessKey: process.env['S3_TEST_SECRET_KEY'] ?? '',
    close: () => Promise.resolve(),
  }
}

async function ownServer() {
  const directory = await mkdtemp(join(tmpdir(), 'c2d-s3-'))
  const Server = require('s3rver') as new (options: object) => S3rver
  const server = new Server({ address: '127.0.0.1', port: 0, silent: true, directory, vhostBuckets: false })
  const { port } = await server.run()
  return {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER', // what this server knows everybody by
    close: async () => {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
