import { parseArgs } from 'node:util'
import { createCleanup } from './lib/cleanup.ts'
import { printReport, type Measured } from './lib/report.ts'
import { measureMemory } from './provider/measure-memory.ts'
import { measureRecovery } from './provider/measure-recovery.ts'
import { measureStart } from './provider/measure-start.ts'
import { measureStatus } from './provider/measure-status.ts'
import { createProviderWorld } from './provider/provider-world.ts'
import { serveExpressProxy } from './provider/serve-express-proxy.ts'
import { serveUpstream } from './provider/serve-upstream.ts'

const PARTS = ['status', 'start', 'recovery', 'memory'] as const
type Part = (typeof PARTS)[number]

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    requests: { type: 'string', default: '400' },
    downloads: { type: 'string' },
    mebibytes: { type: 'string' },
    full: { type: 'boolean', default: false },
    limit: { type: 'string', default: '900' },
    // For this program's own children, see serve().
    serve: { type: 'string' },
    port: { type: 'string' },
    upstream: { type: 'string' },
  },
})
if (values.serve === undefined) await bench()
else serve(values.serve)

/** Measures the parts that were asked for, and reports. */
async function bench(): Promise<never> {
  const wanted = values.only.split(',').map(parsePart)
  const rounds = parseCount('rounds', values.rounds)
  const seconds = parseCount('seconds', values.seconds)
  const requests = parseCount('requests', values.requests)
  const downloads = parseCount('downloads', values.downloads ?? (values.full ? '200' : '50'))
  const mebibytes = parseCount('mebibytes', values.mebibytes ?? (values.full ? '1024' : '64'))
  const limitSeconds = parseCount('limit', values.limit)

  const measured: Measured[] = []
  const cleanup = createCleanup()
  const begin = (part: Part): boolean => {
    if (wanted.includes(part)) process.stdout.write(`measuring: ${part}\n`)
    return wanted.includes(part)
  }
  try {
    if (begin('recovery')) measured.push(...measureRecovery({ rounds, seconds: 1 }))
    if (wanted.some((part) => part !== 'recovery')) {
      const world = await createProviderWorld(cleanup)
      if (wanted.includes('status') || wanted.includes('start')) {
        const provider = await world.startProvider()
        const providerPort = Number(new URL(provider.url).port)
        if (begin('status')) measured.push(...(await measureStatus(world, { rounds, seconds, providerPort })))
        if (begin('start')) measured.push(...(await measureStart(world, { rounds, requests, providerPort })))
        await provider.stop()
      }
      if (begin('memory')) measured.push(...(await measureMemory(world, { downloads, mebibytes, limitSeconds })))
    }
  } finally {
    await cleanup.run()
  }
  printReport('provider', measured, (text) => void process.stdout.write(text))
  process.exit(0)
}

/** What this program is when it was started by itself: one of the servers around the provider. */
function serve(role: string): void {
  const port = parseCount('port', values.port ?? '')
  if (role === 'upstream') serveUpstream(port)
  else if (role === 'express-proxy') serveExpressProxy(port, parseCount('upstream', values.upstream ?? ''))
  else throw new RangeError(`there is no role ${role}`)
}

function parsePart(text: string): Part {
  const part = PARTS.find((name) => name === text)
  if (part === undefined) throw new RangeError(`--only knows ${PARTS.join(', ')}; not '${text}'`)
  return part
}

function parseCount(name: string, text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count > 0) return count
  throw new RangeError(`--${name} takes a whole number above 0; not '${text}'`)
}
