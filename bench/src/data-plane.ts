import { parseArgs } from 'node:util'
import { createCleanup } from './lib/cleanup.ts'
import { printReport, type Measured } from './lib/report.ts'
import { measureResults } from './data-plane/measure-results.ts'
import { measureStagingCapped } from './data-plane/measure-staging-capped.ts'
import { measureStagingLarge } from './data-plane/measure-staging-large.ts'
import { measureStagingSmall } from './data-plane/measure-staging-small.ts'
import { serveOrigin } from './data-plane/serve-origin.ts'
import { createStagingWorld, type StagingWorld } from './data-plane/staging-world.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'large,capped,small,results' },
    rounds: { type: 'string', default: '5' },
    mebibytes: { type: 'string', default: '2048' },
    files: { type: 'string', default: '10000' },
    serial: { type: 'string', default: '500' },
    clients: { type: 'string', default: '64' },
    'result-mebibytes': { type: 'string', default: '512' },
    // For this program's own child.
    serve: { type: 'string' },
    port: { type: 'string' },
  },
})
if (values.serve === 'origin') serveOrigin(parseCount('port', values.port ?? ''))
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
  const stagingWorld = (): Promise<StagingWorld> => (staging ??= createStagingWorld(cleanup))

  const parts: Record<string, () => Promise<Measured[]>> = {
    large: async () => measureStagingLarge(await stagingWorld(), { rounds, bytes }),
    capped: async () => measureStagingCapped(await stagingWorld(), { rounds, bytes }),
    small: async () => measureStagingSmall(await stagingWorld(), { rounds, files, serialFiles }),
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

function parseCount(name: string, text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count > 0) return count
  throw new RangeError(`--${name} takes a whole number above 0; not '${text}'`)
}
