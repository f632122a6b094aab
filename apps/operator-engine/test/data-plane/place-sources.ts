import type { ContractFunction, FileObject } from '@c2d/contracts'
import { createResultStores } from '@c2d/storage'
import type { OceanActor } from '@c2d/testing'
import type { NodeUnderTest } from '../../../../packages/storage/test/integration/support/ipfs-node.ts'
import type { BucketUnderTest } from '../../../../packages/storage/test/integration/support/s3-server.ts'
import type { PlannedFile } from './planned-files.ts'
import { openSeeded } from './seeded-bytes.ts'
import type { SourceOrigin } from './source-origin.ts'

/** The places that files of datasets are put into. */
export interface SourcePlaces {
  origin: SourceOrigin
  bucket: BucketUnderTest
  node: NodeUnderTest
  chain: OceanActor
}

const SAY: ContractFunction = {
  type: 'function',
  name: 'say',
  inputs: [],
  outputs: [{ name: '', type: 'string' }],
  stateMutability: 'pure',
}

/** Where the objects of S3 sources lie, in the way that results do. */
const OWNER = '5'.repeat(32)
const PREFIX = 'sources/'

/** Puts a file where its type of source lies. @returns the file object that names it, for the publisher to encrypt */
export async function placeSource(file: PlannedFile, places: SourcePlaces): Promise<FileObject> {
  const whole = { start: 0, length: file.sizeBytes }
  switch (file.kind) {
    case 'url':
    case 'arweave':
    case 'graphql':
      return places.origin.offer({ ...file, kind: file.kind })
    case 'ipfs':
      return { type: 'ipfs', hash: await places.node.add(openSeeded(file.seed, whole) as AsyncIterable<Buffer>) }
    case 's3':
      return placeInBucket(file, places.bucket)
    case 'smartcontract': {
      const address = await places.chain.deploy(codeThatSays(file.said ?? ''))
      return { type: 'smartcontract', address, chainId: 8996, abi: SAY }
    }
  }
}

async function placeInBucket(file: PlannedFile, { target }: BucketUnderTest): Promise<FileObject> {
  const stores = createResultStores({ targets: [{ ...target, prefix: PREFIX }] })
  const source = openSeeded(file.seed, { start: 0, length: file.sizeBytes })
  await stores.targets[0]?.store.put(OWNER, file.seed, source, { sizeBytes: file.sizeBytes })
  stores.close()
  return {
    type: 's3',
    endpoint: target.endpoint ?? '',
    region: target.region,
    bucket: target.bucket,
    objectKey: `${PREFIX}${OWNER}/${file.seed}`,
    accessKeyId: target.credentials?.accessKeyId ?? '',
    secretAccessKey: target.credentials?.secretAccessKey.reveal() ?? '',
    forcePathStyle: true,
  }
}

/** A contract that answers whatever it is asked with one text: it returns what stands behind its own code. */
function codeThatSays(said: string): string {
  const text = Buffer.from(said)
  const word = (value: number): string => value.toString(16).padStart(64, '0')
  const padded = Buffer.alloc(Math.ceil(text.length / 32) * 32)
  text.copy(padded)
  const data = word(32) + word(text.length) + padded.toString('hex')
  const length = (data.length / 2).toString(16).padStart(4, '0')
  return `61${length} 600e 6000 39 61${length} 6000 f3 ${data}`
}
