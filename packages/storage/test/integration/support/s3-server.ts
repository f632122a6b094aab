import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '@c2d/runtime'
import type { S3Target } from '@c2d/storage'
import { startS3Server } from '@c2d/testing'

/** A bucket to store to: on the server that `S3_TEST_ENDPOINT` names, else on one of our own. */
export interface BucketUnderTest {
  target: S3Target
  isReal: boolean
  /** Keys that begin so, in both buckets. */
  keysBelow(prefix: string): Promise<string[]>
  close(): Promise<void>
}

/** Opens a bucket with a name of its own. */
export async function openBucket(): Promise<BucketUnderTest> {
  const env = process.env
  const bucket = `c2d-test-${Date.now().toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}`
  const common = {
    backend: 's3',
    bucket,
    adminlogsBucket: `${bucket}-admin`,
    prefix: 'results/',
    pathStyle: true,
  } as const
  if (env['S3_TEST_ENDPOINT']) {
    const target: S3Target = {
      ...common,
      endpoint: env['S3_TEST_ENDPOINT'],
      region: env['S3_TEST_REGION'] ?? 'us-east-1',
      credentials: {
        accessKeyId: env['S3_TEST_ACCESS_KEY'] ?? '',
        secretAccessKey: new Secret(env['S3_TEST_SECRET_KEY'] ?? ''),
      },
    }
    await makeBuckets(target)
    return { target, isReal: true, keysBelow: (prefix) => listKeys(target, prefix), close: () => removeBuckets(target) }
  }
  const directory = await mkdtemp(join(tmpdir(), 'c2d-s3-'))
  const server = await startS3Server({ directory, buckets: [bucket, `${bucket}-admin`] })
  const { endpoint, region, accessKeyId, secretAccessKey } = server
  const target: S3Target = {
    ...common,
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
  }
  return {
    target,
    isReal: false,
    keysBelow: (prefix) => listKeys(target, prefix),
    async close() {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function clientOf({ endpoint, region, credentials }: S3Target) {
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client({
    endpoint: endpoint ?? '',
    region,
    forcePathStyle: true,
    credentials: {
      accessKeyId: credentials?.accessKeyId ?? '',
      secretAccessKey: credentials?.secretAccessKey.reveal() ?? '',
    },
  })
  return { sdk, client }
}

async function makeBuckets(target: S3Target): Promise<void> {
  const { sdk, client } = await clientOf(target)
  for (const Bucket of [target.bucket, target.adminlogsBucket])
    await client.send(new sdk.CreateBucketCommand({ Bucket }))
  client.destroy()
}

async function listKeys(target: S3Target, Prefix: string): Promise<string[]> {
  const { sdk, client } = await clientOf(target)
  const keys: string[] = []
  for (const Bucket of [target.bucket, target.adminlogsBucket]) {
    const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix }))
    keys.push(...Contents.flatMap(({ Key }) => Key ?? []))
  }
  client.destroy()
  return keys
}

async function removeBuckets(target: S3Target): Promise<void> {
  const { sdk, client } = await clientOf(target)
  for (const Bucket of [target.bucket, target.adminlogsBucket]) {
    for (;;) {
      const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket }))
      if (Contents.length === 0) break
      const Objects = Contents.map(({ Key }) => ({ Key }))
      await client.send(new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    }
    await client.send(new sdk.DeleteBucketCommand({ Bucket }))
  }
  client.destroy()
}
