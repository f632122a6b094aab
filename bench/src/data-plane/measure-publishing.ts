import type { Measured } from '../lib/report.ts'
import type { Bucket } from './bucket.ts'
import type { PodDatabase } from './pod-database.ts'
import { makeOutputs } from './publishing-world.ts'
import { isInstalled, timeProgram } from './run-reference.ts'

const FILE_BYTES = 64 * 1024
/** As many at once as the pod sends small files. */
const TRANSFERS = '16'

/** It would take settings of AWS's own tools from variables. */
const RCLONE_ENV = { PATH: '/usr/local/bin:/usr/bin:/bin' }

/** How much is published. */
export interface PublishingOptions {
  rounds: number
  files: number
  /** Of the one large output. */
  bytes: number
  /** RPC of an IPFS node that the large output goes to as well; null leaves that out. */
  ipfsUrl: string | null
}

/**
 * Uploads through the publish pod, against `rclone copy` of the same files to the same bucket, alternating; each from
 * before the program's start to after its end, since that is what an engine waits for.
 */
export async function measurePublishing(
  options: PublishingOptions,
  world: { bucket: Bucket; database: PodDatabase },
): Promise<Measured[]> {
  const { rounds, files, bytes, ipfsUrl } = options
  const hasReference = await isInstalled('rclone')
  if (!hasReference) process.stdout.write('rclone is missing (apt-get install rclone): nothing to compare with\n')
  const mebibytes = bytes / 1024 ** 2
  const small = await alternate({ rounds, files, bytes: FILE_BYTES, ipfsUrl: null }, hasReference, world)
  const large = await alternate({ rounds, files: 1, bytes, ipfsUrl: null }, hasReference, world)
  const twice = ipfsUrl === null ? null : await alternate({ rounds, files: 1, bytes, ipfsUrl }, false, world)
  const rateOf = (amount: number) => (seconds: number) => amount / seconds
  const against = ({ reference }: Alternated, amount: number) =>
    hasReference ? { reference: reference.map(rateOf(amount)) } : {}
  return [
    {
      what: `publishing ${files} files of 64 KiB to S3, against rclone`,
      unit: 'files/s',
      ours: small.seconds.map(rateOf(files)),
      ...against(small, files),
    },
    { what: `publishing ${files} files of 64 KiB: peak memory`, unit: 'MB', ours: small.memory },
    {
      what: `publishing one file of ${mebibytes} MiB to S3, against rclone`,
      unit: 'MB/s',
      ours: large.seconds.map(rateOf(bytes / 1e6)),
      ...against(large, bytes / 1e6),
    },
    { what: `publishing one file of ${mebibytes} MiB: peak memory`, unit: 'MB', ours: large.memory },
    ...(twice
      ? [{ what: `publishing it to S3 and to IPFS, encrypted: peak memory`, unit: 'MB', ours: twice.memory }]
      : []),
  ]
}

interface Alternated {
  seconds: number[]
  memory: number[]
  /** Seconds. */
  reference: number[]
}

async function alternate(
  { rounds, ...size }: { rounds: number; files: number; bytes: number; ipfsUrl: string | null },
  hasReference: boolean,
  world: { bucket: Bucket; database: PodDatabase },
): Promise<Alternated> {
  const { bucket } = world
  const outputs = await makeOutputs(size, world)
  const result: Alternated = { seconds: [], memory: [], reference: [] }
  for (let round = 0; round < rounds; round++) {
    if (hasReference) {
      result.reference.push(await timeProgram('rclone', buildCopy(outputs.folder, bucket), RCLONE_ENV))
      await bucket.empty()
    }
    const { wholeSeconds, peakMB } = await outputs.publish()
    result.seconds.push(wholeSeconds)
    result.memory.push(peakMB)
  }
  await outputs.remove()
  return result
}

/** Nothing of this machine's own settings takes part. */
function buildCopy(folder: string, { endpoint, region, name, accessKeyId, secretAccessKey }: Bucket): string[] {
  return [
    ...['copy', folder, `:s3:${name}/theirs`, '--config', '/dev/null', '--transfers', TRANSFERS],
    ...['--s3-provider', 'Other', '--s3-endpoint', endpoint, '--s3-region', region, '--s3-force-path-style'],
    ...['--s3-access-key-id', accessKeyId, '--s3-secret-access-key', secretAccessKey, '--s3-no-check-bucket'],
    ...['--log-level', 'ERROR'],
  ]
}
