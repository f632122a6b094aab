import { parseArgs } from 'node:util'
import { createCleanup } from './lib/cleanup.ts'
import { printReport, type Measured } from './lib/report.ts'
import { openBucket, serveBuckets, type BucketServer } from './data-plane/bucket.ts'
import { measurePublishing } from './data-plane/measure-publishing.ts'
import { measureResults } from './data-plane/measure-results.ts'
import { measureStagingCapped } from './data-plane/measure-staging-capped.ts'
import { measureStagingLarge } from './data-plane/measure-staging-large.ts'
import { measureStagingSmall } from './data-plane/measure-staging-small.ts'
import { createPodDatabase, type PodDatabase } from './data-plane/pod-database.ts'
import { serveOrigin } from './data-plane/serve-origin.ts'
import { createStagingWorld, type StagingWorld } from './data-plane/staging-world.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'large,capped,small,publishing,results' },
    rounds: { type: 'string', default: '5' },
    mebibytes: { type: 'string', default: '2048' },
    files: { type: 'string', default: '10000' },
    serial: { type: 'string', default: '500' },
    clients: { type: 'string', default: '64' },
    'result-mebibytes': { type: 'string', default: '512' },
    // For this program's own child.
    serve: { type: 'string' },
    port: { type: 'string' },
    folder: { type: 'string' },
  },
})
if (values.serve === 'origin') serveOrigin(parseCount('port', values.port ?? ''))
else if (values.serve === 's3') await serveBuckets(parseCount('port', values.port ?? ''), values.folder ?? '')
else await bench()

/** Measures the parts that were asked for, and reports. */
async function bench(): Promise<never> {
  const rounds = parseCount('rounds', values.rounds)
  const bytes = parseCount('mebibytes', values.mebibytes) * 1024 ** 2
  const files = parseCount('files', values.files)
  const serialFiles = parseCount('serial', values.serial)
  const clients = parseCount('clients', values.clients)
  const resultMebibytes = parseCount('result-mebibytes', values['result-mebibytes'])
  const cleanup = createCleanup()
  let staging: Promise<StagingWorld> | undefined
  let pods: Promise<PodDatabase> | undefined
  const podDatabase = (): Promise<PodDatabase> => (pods ??= createPodDatabase(cleanup))
  const stagingWorld = (): Promise<StagingWorld> =>
    (staging ??= podDatabase().then((database) => createStagingWorld(database, cleanup)))

  const parts: Record<string, () => Promise<Measured[]>> = {
    large: async () => measureStagingLarge(await stagingWorld(), { rounds, bytes }),
    capped: async () => measureStagingCapped(await stagingWorld(), { rounds, bytes }),
    small: async () => measureStagingSmall(await stagingWorld(), { rounds, files, serialFiles }),
    publishing: async () => {
      const database = await podDatabase()
      const bucket = await openBucket(namedServer(), database.folder, cleanup)
      const ipfsUrl = process.env['IPFS_TEST_API'] ?? null
      return measurePublishing({ rounds, files, bytes, ipfsUrl }, { bucket, database })
    },
    results: () => measureResults({ rounds, clients, mebibytes: resultMebibytes }, cleanup),
  }
  const measured: Measured[] = []
  try {
    for (const name of values.only.split(',')) {
      const measure = parts[name]
      if (!measure) throw new RangeError(`--only knows ${Object.keys(parts).join(', ')}; not '${name}'`)
      process.stdout.write(`measuring: ${name}\n`)
      measured.push(...(await measure()))
    }
  } finally {
    await cleanup.run()
  }
  printReport('data-plane', measured, (text) => void process.stdout.write(text))
  process.exit(0)
}

/** The S3 server to measure with, by the variables that tests use too; null where none is named. */
function namedServer(): BucketServer | null {
  const { S3_TEST_ENDPOINT: endpoint, S3_TEST_REGION, S3_TEST_ACCESS_KEY, S3_TEST_SECRET_KEY } = process.env
  if (!endpoint) return null
  return {
    endpoint,
    region: S3_TEST_REGION ?? 'us-east-1',
    accessKeyId: S3_TEST_ACCESS_KEY ?? '',
    secretAccessKey: S3_TEST_SECRET_KEY ?? '',
  }
}

function parseCount(name: string, text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count > 0) return count
  throw new RangeError(`--${name} takes a whole number above 0; not '${text}'`)
}
