import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Measured } from '../lib/report.ts'
import { isInstalled, timeProgram } from './run-reference.ts'
import type { StagingWorld } from './staging-world.ts'

/**
 * One large file from an origin as fast as it can be, against `curl -o`, which hashes nothing, and against what it takes
 * to know the same: `curl -o`, then `openssl dgst -sha256`.
 */
export async function measureStagingLarge(
  world: StagingWorld,
  { rounds, bytes }: { rounds: number; bytes: number },
): Promise<Measured[]> {
  const url = `${world.originUrl}/file?bytes=${bytes}`
  const path = join(world.folder, 'curl.out')
  const [hasCurl, hasOpenssl] = [await isInstalled('curl'), await isInstalled('openssl')]
  if (!hasCurl) process.stdout.write('curl is not installed: nothing to compare with\n')
  if (!hasOpenssl) process.stdout.write('openssl is not installed: curl is compared without a hash alone\n')
  const curl: number[] = []
  const curlAndHash: number[] = []
  const ours: number[] = []
  const memory: number[] = []
  for (let round = 0; round < rounds; round++) {
    if (hasCurl) {
      const seconds = await timeProgram('curl', ['-s', '-o', path, url])
      curl.push(bytes / 1e6 / seconds)
      if (hasOpenssl) {
        curlAndHash.push(bytes / 1e6 / (seconds + (await timeProgram('openssl', ['dgst', '-sha256', path]))))
      }
      await rm(path)
    }
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
    {
      what: `staging one file of ${size}, verified, against curl -o and openssl dgst -sha256`,
      unit: 'MB/s',
      ours,
      ...(hasCurl && hasOpenssl ? { reference: curlAndHash } : {}),
    },
    { what: `staging one file of ${size}: peak memory`, unit: 'MB', ours: memory },
  ]
}
