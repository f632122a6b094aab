import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFilesystemStore, createIpfsStore, createS3Store } from '@c2d/storage'
import { startIpfsFake } from './support/ipfs-fake.ts'
import { createMemoryKeys } from './support/memory-keys.ts'
import { openBucket } from './support/s3-server.ts'
import { describeStore } from './store-conformance.ts'

describeStore('filesystem', async () => {
  const root = await mkdtemp(join(tmpdir(), 'c2d-store-'))
  return { store: createFilesystemStore({ root }), close: () => rm(root, { recursive: true, force: true }) }
})

describeStore(process.env['S3_TEST_ENDPOINT'] ? 's3, a real server' : 's3', async () => {
  const bucket = await openBucket()
  const store = createS3Store(bucket.target)
  return {
    store,
    ...(bucket.isReal ? {} : { lacks: { longNames: true, rangeOfFirstByte: true } }),
    async close() {
      store.close()
      await bucket.close()
    },
  }
})

describeStore(process.env['IPFS_TEST_API'] ? 'ipfs, a real node' : 'ipfs, a small stand-in', async () => {
  const api = process.env['IPFS_TEST_API']
  const fake = api ? null : await startIpfsFake()
  return {
    store: createIpfsStore({ backend: 'ipfs', apiUrl: api ?? fake?.url ?? '' }, { keys: createMemoryKeys() }),
    close: async () => fake?.close(),
  }
})
