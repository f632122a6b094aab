import { randomBytes } from 'node:crypto'
import { DEV_ACCOUNTS } from '@c2d/dev-servers'
import type { JobStatusAnswer } from '@c2d/contracts'
import { createOceanActor, startTestChain } from '@c2d/testing'
import { openIpfsNode, type NodeUnderTest } from '../../../../packages/storage/test/integration/support/ipfs-node.ts'
import { openBucket, type BucketUnderTest } from '../../../../packages/storage/test/integration/support/s3-server.ts'
import type { EngineWorld } from '../integration/support/engine-world.ts'
import { addressAtOperator, addressAtProvider, startJob, waitForEnd, type ResultAddress } from './consumer.ts'
import { openHouse, PROVIDER_KEY } from './house.ts'
import { placeSource } from './place-sources.ts'
import { planDatasets, type PlannedFile } from './planned-files.ts'
import { publishAsset, type PublishedAsset } from './publish-asset.ts'
import { startSourceOrigin } from './source-origin.ts'

const MIB = 1024 ** 2

/** Copies every input, and the manifest of what was staged, to the outputs. */
const COPY_ALL = `
const fs = require('fs')
fs.copyFileSync('/data/inputs/manifest.json', '/data/outputs/staged.json')
for (const did of JSON.parse(process.env.DIDS)) {
  fs.mkdirSync('/data/outputs/' + did)
  for (const name of fs.readdirSync('/data/inputs/' + did)) {
    fs.copyFileSync('/data/inputs/' + did + '/' + name, '/data/outputs/' + did + '/' + name)
  }
}`

/** Everything between publishers and a consumer: chain, provider, operator-service, stores, and datasets in all places. */
export interface DataPlane {
  totalBytes: number
  datasets: { asset: PublishedAsset; files: PlannedFile[] }[]
  bucket: BucketUnderTest
  node: NodeUnderTest
  /** Settings of an engine whose pods must reach the provider and the stores. */
  engineSettings: Record<string, string>
  /** Orders, starts and follows one job over all datasets; its algorithm copies all that it is given. */
  runJob(timeoutMs: number): Promise<JobStatusAnswer>
  /** Where results of a job are fetched: as the consumer, as the provider, and as the provider from IPFS alone. */
  doorsTo(jobId: string): { provider: ResultAddress; operator: ResultAddress; ipfsOnly: ResultAddress }
  close(): Promise<void>
}

/** How much the files are in all: C2D_TEST_DATA_MIB, else 1 GiB on real stores and little on those of npm. */
function chooseTotalBytes(isReal: boolean): number {
  return Number(process.env['C2D_TEST_DATA_MIB'] ?? (isReal ? 1024 : 64)) * MIB
}

/**
 * Makes the datasets, on real stores where `S3_TEST_ENDPOINT` and `IPFS_TEST_API` name them, and publishes them.
 * @param options.host the address of this machine at which pods reach the provider
 * @param options.fromPods the address at which pods reach what listens at this one
 * @param options.container of the algorithm
 */
export async function openDataPlane(
  options: { host: string; fromPods: (url: string) => Promise<string>; container: object },
  world: EngineWorld,
): Promise<DataPlane> {
  const closers: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne()
  }
  const opened = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const one = await opening
    closers.push(() => one.close())
    return one
  }
  try {
    const bucket = await opened(openBucket())
    const node = await opened(openIpfsNode())
    const origin = await opened(startSourceOrigin())
    const chain = await startTestChain()
    closers.push(() => chain.stop())
    const actor = (index: number) => {
      const one = createOceanActor(chain.rpcUrl, chain.addresses.ERC721Factory, index)
      closers.push(() => one.close())
      return one
    }
    const [publisher, consumer] = [actor(DEV_ACCOUNTS.publisher.index), actor(DEV_ACCOUNTS.consumer.index)]
    const results = describeResults(bucket, node)
    const house = await opened(
      openHouse({
        host: options.host,
        chain,
        jobsDatabaseUrl: world.databaseUrl,
        results,
        gateways: { ipfs: node.gatewayUrl, arweave: origin.arweaveGateway },
        outbound: [
          origin.authority,
          ...[node.gatewayUrl, bucket.target.endpoint ?? ''].map((url) => new URL(url).host),
        ],
      }),
    )
    const deps = { publisher, consumer, providerKey: PROVIDER_KEY, providerUrl: house.providerUrl }
    const totalBytes = chooseTotalBytes(bucket.isReal && node.isReal)
    const datasets: DataPlane['datasets'] = []
    for (const files of planDatasets({ totalBytes, seed: randomBytes(8).toString('hex') })) {
      const placed = []
      for (const file of files) placed.push(await placeSource(file, { origin, bucket, node, chain: publisher }))
      datasets.push({ files, asset: await publishAsset({ files: placed }, deps) })
    }
    const code = origin.offerText(COPY_ALL)
    const algorithm = await publishAsset({ files: [code], container: options.container }, deps)
    const signer = { consumer, consumerKey: DEV_ACCOUNTS.consumer.publishedPrivateKey, providerUrl: house.providerUrl }

    return {
      totalBytes,
      datasets,
      bucket,
      node,
      engineSettings: {
        ...results,
        RESULTS_TARGETS: 's3,ipfs',
        S3_ENDPOINT: await options.fromPods(results['S3_ENDPOINT'] ?? ''),
        IPFS_OUTPUT: await options.fromPods(results['IPFS_OUTPUT'] ?? ''),
        OUTBOUND_ALLOW: new URL(house.providerUrl).host,
        LEASE_SECONDS: '15',
        TICK_SECONDS: '1',
      },
      async runJob(timeoutMs) {
        const jobId = await startJob({ datasets: datasets.map(({ asset }) => asset), algorithm }, signer)
        return waitForEnd(jobId, { ...signer, timeoutMs })
      },
      doorsTo(jobId) {
        const asProvider = { owner: consumer.address, providerKey: PROVIDER_KEY }
        return {
          provider: addressAtProvider(jobId, signer),
          operator: addressAtOperator(jobId, { ...asProvider, operatorUrl: house.operatorUrl }),
          ipfsOnly: addressAtOperator(jobId, { ...asProvider, operatorUrl: house.ipfsOnlyUrl }),
        }
      },
      close,
    }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** The settings that engine and operator-service share, for reading as for writing. */
function describeResults({ target }: BucketUnderTest, node: NodeUnderTest): Record<string, string> {
  return {
    AWS_BUCKET_OUTPUT: target.bucket,
    AWS_BUCKET_ADMINLOGS: target.adminlogsBucket ?? '',
    AWS_REGION: target.region,
    AWS_ACCESS_KEY_ID: target.credentials?.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: target.credentials?.secretAccessKey.reveal() ?? '',
    S3_ENDPOINT: target.endpoint ?? '',
    S3_PREFIX: target.prefix,
    IPFS_OUTPUT: node.apiUrl,
  }
}
