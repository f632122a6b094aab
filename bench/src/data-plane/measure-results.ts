import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cleanup } from '../lib/cleanup.ts'
import type { Measured } from '../lib/report.ts'
import { readFast } from './read-fast.ts'
import { createResultsWorld } from './results-world.ts'
import { startNginx } from './start-nginx.ts'

const SAMPLE_EVERY_MS = 20

/** How much is measured. */
export interface ResultsOptions {
  rounds: number
  /** Clients at once. */
  clients: number
  /** Size of the result for one client alone, in MiB; each of many reads a `1/clients`th of eight times as much. */
  mebibytes: number
}

/**
 * Result downloads through provider and operator-service, against nginx proxying twice to nginx with the same file: one
 * client, then many, alternating; and the most memory that either of ours held meanwhile.
 */
export async function measureResults(options: ResultsOptions, cleanup: Cleanup): Promise<Measured[]> {
  const { rounds, clients, mebibytes } = options
  const one = await measureSize({ rounds, clients: 1, mebibytes }, cleanup)
  const many = await measureSize({ rounds, clients, mebibytes: Math.ceil((8 * mebibytes) / clients) }, cleanup)
  return [...one, ...many]
}

async function measureSize({ rounds, clients, mebibytes }: ResultsOptions, cleanup: Cleanup): Promise<Measured[]> {
  const world = await createResultsWorld(mebibytes, cleanup)
  const nginx = await startNginx(join(dirname(dirname(world.folder)), 'nginx'), world.folder, cleanup)
  const ours = (): string[] => Array.from({ length: clients }, () => world.signedUrl())
  const theirs = nginx === null ? null : Array.from({ length: clients }, () => `${nginx}/${world.file}`)

  const rates: { ours: number[]; reference: number[] } = { ours: [], reference: [] }
  await readFast(ours())
  if (theirs) await readFast(theirs)
  const sampling = new AbortController()
  const peaks = samplePeaks([world.provider.pid, world.operator.pid], sampling.signal)
  for (let round = 0; round < rounds; round++) {
    rates.ours.push(await readFast(ours()))
    if (theirs) rates.reference.push(await readFast(theirs))
  }
  sampling.abort()
  const [provider = 0, operator = 0] = await peaks
  await world.provider.stop()
  await world.operator.stop()

  const who = clients === 1 ? 'one client' : `${clients} clients`
  return [
    {
      what: `result download, ${who} of ${mebibytes} MiB`,
      unit: 'MB/s',
      ours: rates.ours,
      ...(theirs ? { reference: rates.reference } : {}),
    },
    { what: `most memory of the provider, ${who}`, unit: 'MB', ours: [provider] },
    { what: `most memory of operator-service, ${who}`, unit: 'MB', ours: [operator] },
  ]
}

/** The most memory that was resident at any look, of each process, in 10⁶ bytes, until the signal. */
async function samplePeaks(pids: readonly number[], signal: AbortSignal): Promise<number[]> {
  let peaks = pids.map(() => 0)
  while (!signal.aborted) {
    const now = await Promise.all(pids.map(residentMegabytes))
    peaks = peaks.map((peak, index) => Math.max(peak, now[index] ?? 0))
    await sleep(SAMPLE_EVERY_MS)
  }
  return peaks
}

async function residentMegabytes(pid: number): Promise<number> {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (Number(kibibytes) * 1024) / 1e6
}
