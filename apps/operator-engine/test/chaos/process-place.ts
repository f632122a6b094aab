import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { JobRow } from '@c2d/operator-db'
import { sleep } from '@c2d/runtime'
import { createFilesystemStore } from '@c2d/storage'
import { parseRunLines } from './algorithm-source.ts'
import type { ChaosJob } from './chaos-job.ts'
import { startFileWitness } from './file-witness.ts'
import type { ChaosPlace, StepFault } from './place.ts'
import { findRunner, isRunning, listPods, listStepProcesses } from './processes.ts'
import type { Witness } from './witness.ts'

/** How long a fault waits for the step it is meant for. */
const STEP_WAIT_MS = 6_000

/**
 * Steps as processes of this machine.
 * @param options.apps the folder of the built services
 * @param options.folder of the run
 */
export async function createProcessPlace({ apps, folder }: { apps: string; folder: string }): Promise<ChaosPlace> {
  const workspaces = join(folder, 'workspaces')
  const resultsFolder = join(folder, 'results')
  await mkdir(workspaces)
  const results = createFilesystemStore({ root: resultsFolder })

  return {
    settingsOf: () => ({
      WORKSPACES_FOLDER: workspaces,
      RESULTS_FOLDER: resultsFolder,
      POD_CONFIGURATION_PROGRAM: join(apps, 'pod-configuration/dist/pod.mjs'),
      POD_PUBLISHING_PROGRAM: join(apps, 'pod-publishing/dist/pod.mjs'),
    }),
    environment: {},
    container: { image: 'node', tag: '20', checksum: 'sha256:0' },
    lives: 'lines',
    reach: (port) => Promise.resolve(`127.0.0.1:${port}`),
    watch: () => startFileWitness(workspaces),
    strike: (job, fault) => killStep(job, fault, workspaces),
    killProgram: () => Promise.resolve(), // there is none but the engines
    async listLeft() {
      const left: string[] = []
      const folders = (await readdir(workspaces)).filter((name) => /[0-9a-f]{32}/.test(name))
      if (folders.length > 0) left.push(`workspaces ${folders.join(', ')}`)
      const hints = await readdir(join(workspaces, '.events')).catch(() => [])
      if (hints.length > 0) left.push(`hints of ${hints.join(', ')}`)
      const processes = listStepProcesses(workspaces)
      if (processes.length > 0) left.push(`${processes.length} processes of steps`)
      return left
    },
    async checkResults(row: JobRow, witness: Witness) {
      const found: string[] = []
      for (const { filename, filesize, url } of row.outputs ?? []) {
        try {
          const content = Buffer.concat(await (await results.open(url)).toArray())
          if (content.length !== filesize) found.push(`${filename} has ${content.length} of ${filesize} bytes`)
          if (filename === 'runs') witness.tell(row.jobId, parseRunLines(content.toString('utf8')))
        } catch (error) {
          found.push(`${filename} cannot be read: ${String(error)}`)
        }
      }
      if (row.dateFinished !== null && row.reason === null && !row.outputs?.some(({ filename }) => filename === 'runs'))
        found.push('is said to be good, but has no results')
      return found
    },
    async close() {
      for (let left = listStepProcesses(workspaces); left.length > 0; left = listStepProcesses(workspaces)) {
        for (const pid of left) killIfThere(pid)
        await sleep(20)
      }
    },
  }
}

/** Waits for the step of a job, and then a moment, and kills its runner, or only the pod below it. */
async function killStep(job: ChaosJob, fault: StepFault, workspaces: string): Promise<void> {
  const giveUpAtMs = performance.now() + STEP_WAIT_MS
  let runner = await findRunner(workspaces, job.jobId, fault.step)
  while (runner === null) {
    if (performance.now() > giveUpAtMs) return
    await sleep(10)
    runner = await findRunner(workspaces, job.jobId, fault.step)
  }
  await sleep(fault.afterMs)
  const what = fault.kind === 'killRunner' ? 'runner' : 'pod'
  const targets = what === 'runner' ? [runner] : listPods(runner)
  for (const pid of targets.filter(isRunning)) {
    // Noted first: from here on the job may rightly say that it lost a step.
    job.killed.push({ step: fault.step, what })
    killIfThere(pid)
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // gone between the look and the signal, which is what was wanted
  }
}
