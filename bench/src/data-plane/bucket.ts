import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { findFreePort } from '@c2d/dev-servers'
import { startS3Server } from '@c2d/testing'
import type { Cleanup } from '../lib/cleanup.ts'
import { startChildServer } from '../provider/child-server.ts'

const SELF = fileURLToPath(new URL('../data-plane.js', import.meta.url))

/** How a server is reached. */
export interface BucketServer {
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

/** A bucket of the bench's own. */
export interface Bucket extends BucketServer {
  name: string
  /** Deletes all that is in it, and gives how many objects that were. */
  empty(): Promise<number>
}

/**
 * Makes a bucket.
 * @param named the server to measure with; null starts one for development, which is good for trying the bench out
 */
export async function openBucket(named: BucketServer | null, folder: string, cleanup: Cleanup): Promise<Bucket> {
  const server = named ?? (await startOwnServer(folder, cleanup))
  const { endpoint, region, accessKeyId, secretAccessKey } = server
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  const name = `c2d-bench-${Date.now().toString(36)}`
  const empty = async (): Promise<number> => {
    for (let deleted = 0; ;) {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: name }))
      if (Contents.length === 0) return deleted
      const Objects = Contents.map(({ Key }) => ({ Key }))
      await client.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } }))
      deleted += Objects.length
    }
  }
  await client.send(new CreateBucketCommand({ Bucket: name }))
  cleanup.add(async () => {
    await empty()
    await client.send(new DeleteBucketCommand({ Bucket: name }))
    client.destroy()
  })
  return { ...server, name, empty }
}

async function startOwnServer(folder: string, cleanup: Cleanup): Promise<BucketServer> {
  const port = await findFreePort()
  const objects = join(folder, 'objects')
  await mkdir(objects)
  const args = [SELF, '--serve', 's3', '--port', String(port), '--folder', objects]
  const { url } = await startChildServer({ name: 's3', args, port, logPath: join(folder, 's3.log') }, cleanup)
  return { endpoint: url, region: 'us-east-1', accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
}

/** Serves buckets until it is ended; for a process of its own. */
export async function serveBuckets(port: number, directory: string): Promise<void> {
  await startS3Server({ port, directory })
}
