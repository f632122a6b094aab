import { join } from 'node:path'
import type { Measured } from '../lib/report.ts'
import { isInstalled, timeDownload } from './run-reference.ts'
import type { StagingWorld } from './staging-world.ts'

/** One large file from an origin as fast as it can be, against `curl -o`, which hashes nothing. */
export async function measureStagingLarge(
  world: StagingWorld,
  { rounds, bytes }: { rounds: number; bytes: number },
): Promise<Measured[]> {
  const url = `${world.originUrl}/file?bytes=${bytes}`
  const path = join(world.folder, 'curl.out')
  const hasCurl = await isInstalled('curl')
  if (!hasCurl) process.stdout.write('curl is not installed: nothing to compare with\n')
  const curl: number[] = []
  const ours: number[] = []
  const memory: number[] = []
  for (let round = 0; round < rounds; round++) {
    if (hasCurl) curl.push(bytes / 1e6 / (await timeDownload('curl', ['-s', '-o', path, url], path)))
    const run = await world.stage([url])
    ours.push(bytes / 1e6 / run.seconds)
    memory.push(run.peakMB)
  }
  const size = `${Math.round(bytes / 1024 ** 2)} MiB`
  return [
    {
      what: `staging one file of ${size}, verified, against curl -o`,
      unit: 'MB/s',
      ours,
      ...(hasCurl ? { reference: curl } : {}),
    },
    { what: `staging one file of ${size}: peak memory`, unit: 'MB', ours: memory },
  ]
}
