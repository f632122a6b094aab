import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { STEP_FILE, stepReportSchema } from '@c2d/contracts'
import { sleep } from '@c2d/runtime'
import { parseRunLines } from './algorithm-source.ts'
import { createSeenRuns, type Witness } from './witness.ts'

const LOOK_EVERY_MS = 25

/** Reads what algorithms write in their workspaces, as they write it. @param workspaces the engine's folder of jobs */
export function startFileWitness(workspaces: string): Witness {
  const seen = createSeenRuns()
  const tokens = new Map<string, string>()
  let isOpen = true

  async function lookForToken(jobId: string, step: string): Promise<void> {
    const path = join(workspaces, jobId, 'control', step, 'files', STEP_FILE.report)
    const text = await readFile(path, 'utf8').catch(() => '')
    if (!text.endsWith('}')) return // not there, or not whole yet
    tokens.set(`${jobId} ${step}`, stepReportSchema.parse(JSON.parse(text)).token)
  }

  async function watch(): Promise<void> {
    while (isOpen) {
      for (const name of await readdir(workspaces).catch(() => [])) {
        // Folders on their way out are named after their job too.
        const jobId = /[0-9a-f]{32}/.exec(name)?.[0]
        if (!jobId) continue
        const text = await readFile(join(workspaces, name, 'data/outputs/runs'), 'utf8').catch(() => '')
        if (text) seen.tell(jobId, parseRunLines(text))
        for (const step of ['configure', 'publish']) await lookForToken(jobId, step)
      }
      await sleep(LOOK_EVERY_MS)
    }
  }
  const watching = watch()

  return {
    ...seen,
    tokenOf: (jobId, step) => tokens.get(`${jobId} ${step}`),
    async close() {
      isOpen = false
      await watching
    },
  }
}
