import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Measured } from '../lib/report.ts'
import { isInstalled, timeProgram } from './run-reference.ts'
import type { StagingWorld } from './staging-world.ts'

const CAP_BYTES = 50e6

/** One large file from an origin that gives each connection 50 MB/s, against `aria2c -x16 -s16`. */
export async function measureStagingCapped(
  world: StagingWorld,
  { rounds, bytes }: { rounds: number; bytes: number },
): Promise<Measured[]> {
  const url = `${world.originUrl}/file?bytes=${bytes}&capBytes=${CAP_BYTES}`
  const hasAria = await isInstalled('aria2c')
  if (!hasAria) process.stdout.write('aria2c is not installed: nothing to compare with\n')
  const aria: number[] = []
  const ours: number[] = []
  const memory: number[] = []
  const args = [
    '-x16',
    '-s16',
    '--file-allocation=none',
    '--allow-overwrite=true',
    '-q',
    '-d',
    world.folder,
    '-o',
    'a2',
  ]
  for (let round = 0; round < rounds; round++) {
    if (hasAria) {
      aria.push(bytes / 1e6 / (await timeProgram('aria2c', [...args, url])))
      await rm(join(world.folder, 'a2'))
    }
    const run = await world.stage([url])
    ours.push(bytes / 1e6 / run.seconds)
    memory.push(run.peakMB)
  }
  const size = `${Math.round(bytes / 1024 ** 2)} MiB`
  return [
    {
      what: `staging one file of ${size}, verified, 50 MB/s a connection, against aria2c -x16 -s16`,
      unit: 'MB/s',
      ours,
      ...(hasAria ? { reference: aria } : {}),
    },
    { what: `staging one file of ${size} by many connections: peak memory`, unit: 'MB', ours: memory },
  ]
}
