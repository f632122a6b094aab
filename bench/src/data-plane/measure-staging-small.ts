import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Measured } from '../lib/report.ts'
import type { StagingWorld } from './staging-world.ts'

const FILE_BYTES = 64 * 1024
const DELAY_MS = 20

/** Many small files from an origin 20 ms away, against a loop that fetches and writes one after the other. */
export async function measureStagingSmall(
  world: StagingWorld,
  { rounds, files, serialFiles }: { rounds: number; files: number; serialFiles: number },
): Promise<Measured[]> {
  const url = (index: number): string => `${world.originUrl}/${index}?bytes=${FILE_BYTES}&delayMs=${DELAY_MS}`
  const urls = Array.from({ length: files }, (_, index) => url(index))
  const serial: number[] = []
  const ours: number[] = []
  const memory: number[] = []
  for (let round = 0; round < rounds; round++) {
    const beganAt = performance.now()
    for (let index = 0; index < serialFiles; index++) {
      const response = await fetch(url(index))
      await writeFile(join(world.folder, 'serial.out'), Buffer.from(await response.arrayBuffer()))
    }
    serial.push((serialFiles * 1000) / (performance.now() - beganAt))
    const run = await world.stage(urls)
    ours.push(files / run.seconds)
    memory.push(run.peakMB)
  }
  return [
    {
      what: `staging ${files} files of 64 KiB from an origin 20 ms away, against a serial loop`,
      unit: 'files/s',
      ours,
      reference: serial,
    },
    { what: `staging ${files} files of 64 KiB: peak memory`, unit: 'MB', ours: memory },
  ]
}
