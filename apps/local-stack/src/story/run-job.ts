import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { JOB_STATUS, type JobStatusAnswer } from '@c2d/contracts'
import type { OceanClient, OceanJob } from './ocean-js.ts'
import type { Story } from './print.ts'
import { loadSignedStatus } from './signed-requests.ts'
import { startJob, type JobOptions } from './start-job.ts'

const POLL_MS = 50
const JOB_TIMEOUT_MS = 300_000

/** The client that does it, and who is told. */
interface Telling {
  readonly client: OceanClient
  readonly story: Story
}

/** A result as it was downloaded. */
export interface DownloadedResult {
  /** `output`, `algorithmLog`, … */
  readonly type: string
  readonly fileName: string
  readonly content: Buffer
}

/** A job that ran to its end. */
export interface FinishedJob {
  readonly job: JobStatusAnswer
  readonly results: readonly DownloadedResult[]
}

/** Orders and runs one job with ocean.js, telling each step. Throws where a step fails or the job does not end well. */
export async function runJob(options: JobOptions, deps: Telling): Promise<FinishedJob> {
  const jobId = await startJob(options, deps)
  const finished = await waitForEnd(options, jobId, deps)
  const results = await downloadResults(options, finished, deps)
  const job = await loadSignedStatus({ ...options, jobId }, deps.client)
  if (job.status !== JOB_STATUS.finished.code || job.reason || job.exitCode) {
    const why = [job.statusText.trim(), job.reason, job.exitCode ? `exit code ${job.exitCode}` : ''].filter(Boolean)
    const log = results.find(({ type }) => type === 'algorithmLog')?.content.toString('utf8') ?? ''
    throw new Error(`the job did not end well: ${why.join(', ')}\n${log}`)
  }
  return { job, results }
}

/** Asks for the status until the job has ended, in whatever way. */
export function waitForEnd(
  { consumer, providerUrl }: Pick<JobOptions, 'consumer' | 'providerUrl'>,
  jobId: string,
  { client, story }: Telling,
): Promise<OceanJob> {
  return story.step('computeStatus until finished', async (say) => {
    const consumerAddress = await consumer.getAddress()
    const deadline = Date.now() + JOB_TIMEOUT_MS
    for (;;) {
      const job: OceanJob | undefined = (
        await client.ocean.ProviderInstance.computeStatus(providerUrl, consumerAddress, jobId)
      )[0]
      if (!job) throw new Error(`the provider knows no job ${jobId}`)
      say(job.statusText.trim())
      if (job.dateFinished) return { value: job, detail: job.statusText.trim() }
      if (Date.now() > deadline) throw new Error(`the job did not finish within ${JOB_TIMEOUT_MS / 1000} s`)
      await sleep(POLL_MS)
    }
  })
}

/** Downloads every result of a job that has ended. */
export function downloadResults(
  { consumer, downloadsFolder, providerUrl }: Pick<JobOptions, 'consumer' | 'providerUrl' | 'downloadsFolder'>,
  { jobId, results }: OceanJob,
  { client, story }: Telling,
): Promise<DownloadedResult[]> {
  const { ocean } = client
  return story.step('download every result', async (say) => {
    const folder = join(downloadsFolder, jobId)
    await mkdir(folder, { recursive: true })
    const downloaded: DownloadedResult[] = []
    for (const [index, { type }] of [...(results || [])].entries()) {
      const url = await ocean.ProviderInstance.getComputeResultUrl(providerUrl, consumer, jobId, index)
      const { data, filename } = await ocean.downloadFile(url, index)
      const fileName = safeFileName(filename)
      const content = Buffer.from(data)
      await writeFile(join(folder, `${index}-${fileName}`), content)
      downloaded.push({ type, fileName, content })
      say(fileName)
    }
    const names = downloaded.map(({ fileName, content }) => `${fileName} (${content.length} bytes)`)
    return { value: downloaded, detail: names.join('\n') }
  })
}

/** The name goes to disk and to the terminal: nothing of it may be a path or a control code. */
function safeFileName(name: string): string {
  const safe = name.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_')
  return safe.slice(0, 100) || 'result'
}
