import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { JOB_STATUS, STEP_FILE, stepDownloadsSchema, stepReportSchema, stepWorkflowSchema } from '@c2d/contracts'
import { createGuardedFetch, createGuardedRequest } from '@c2d/http-kit'
import { openReporter, reportProgress, reportProvisioning, type Reporter } from '@c2d/operator-db/reports'
import { parsePodOptions, runMain } from '@c2d/runtime'
import pg from 'pg'
import type { z } from 'zod'
import { readConfig } from './config.ts'
import { buildLayout } from './layout.ts'
import { createProviderClient } from './provider-client.ts'
import { provision } from './provision.ts'
import { buildProvisioningDetail } from './provisioning-detail.ts'
import { createBufferRelease } from './staging/free-buffers.ts'
import { createProgressMeter } from './staging/progress.ts'
import { reportProgressOf } from './staging/report-progress.ts'
import { TRANSFER_SETTINGS } from './staging/transfer.ts'
import { tryControl, writeSealMark } from './seal-mark.ts'
import { MAX_REDIRECTS } from './url-origin.ts'

const HELP = `pod-configuration: fetches the datasets, the algorithm and the DDOs of one job onto its volume.

  --step-files FOLDER   (or STEP_FILES) the step's private files: ${Object.values(STEP_FILE).join(', ')}
  --path FOLDER         (or VOLUME) the job's volume, /data in a container
  --workflowid ID       the job
  --help                this text

Exit code: 0 provisioned; 1 not, and reported with its reason where that was possible; 2 a wrong option or setting.
`

/** How long an outage of the database may last before finished work is given up, in milliseconds. */
const REPORT_PATIENCE_MS = 600_000
const REPORT_ANSWER_MS = 10_000

await runMain(async () => {
  process.umask(0o022) // what is staged is read by images that run as any user
  const options = parsePodOptions(process.argv.slice(2), process.env)
  if (!options) {
    process.stdout.write(HELP)
    return
  }
  const config = readConfig(process.env)
  const { stepFiles, volume: path, jobId } = options
  const read = async <S extends z.ZodType>(name: string, schema: S): Promise<z.output<S>> =>
    schema.parse(JSON.parse(await readFile(join(stepFiles, name), 'utf8')))
  const report = await read(STEP_FILE.report, stepReportSchema)
  const openReports = (patienceMs: number): Reporter =>
    openReporter({
      // A silent server is given up on: half-open connections say nothing for ever.
      createClient: () =>
        new pg.Client({
          connectionString: report.databaseUrl,
          connectionTimeoutMillis: REPORT_ANSWER_MS,
          query_timeout: REPORT_ANSWER_MS,
        }),
      patienceMs,
    })
  const reporter = openReports(REPORT_PATIENCE_MS)

  const workflow = await read(STEP_FILE.workflow, stepWorkflowSchema)
  const { allowList, requestTimeoutMs, maxFilesAtOnce, maxConnectionsPerFile, maxFiles, maxBytes } = config
  const transfer = { ...TRANSFER_SETTINGS, idleTimeoutMs: requestTimeoutMs, maxLanes: maxConnectionsPerFile }
  const fetch = createGuardedFetch({ allowList, timeoutMs: requestTimeoutMs })
  const request = createGuardedRequest({
    allowList,
    timeoutMs: requestTimeoutMs,
    connections: 2 * maxFilesAtOnce,
    maxRedirects: MAX_REDIRECTS,
  })
  const progress = createProgressMeter(createBufferRelease())
  let news: Reporter | undefined
  const endNews = reportProgressOf(
    progress,
    { everyMs: config.progressEveryMs },
    // Connected only when there is news: most jobs are through before.
    { tell: (detail) => (news ??= openReports(0)).deliver(reportProgress({ jobId, token: report.token, detail })) },
  )
  const result = await provision(
    workflow,
    { transfer, maxFilesAtOnce, maxFiles, maxBytes },
    {
      layout: buildLayout(path),
      metadataUri: workflow.stages[0]?.output.metadataUri ?? null,
      downloads: await read(STEP_FILE.downloads, stepDownloadsSchema),
      provider: createProviderClient({ retry: transfer.retry, timeoutMs: requestTimeoutMs }, { fetch, request }),
      fetch,
      request,
      progress,
      retry: transfer.retry,
      say: (line) => process.stdout.write(`${line}\n`),
    },
  )
  await endNews()

  const isProvisioned = result.status === JOB_STATUS.provisioned.code
  const control = isProvisioned && config.seal ? tryControl(config.seal.control) : null
  await reporter.deliver(
    reportProvisioning({
      jobId,
      token: report.token,
      status: result.status,
      detail: buildProvisioningDetail(result),
    }),
  )
  // Only now: an algorithm whose staging nobody heard of must not start.
  if (config.seal && control) {
    await writeSealMark(path, { id: config.seal.markId, control: await control })
  }
  process.stdout.write(`${result.message}\n`)
  process.exit(isProvisioned ? 0 : 1) // does not wait for idle sockets to time out
})
