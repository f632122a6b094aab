import { STEP_FILE, type ConsumerOutput } from '@c2d/contracts'
import { createGuardedUpload } from '@c2d/http-kit'
import { openReporter, reportOutputs, reportPublishing } from '@c2d/operator-db/reports'
import { AppError, parsePodOptions, runMain } from '@c2d/runtime'
import { createConsumerTarget, createResultStores, type ObjectKey } from '@c2d/storage'
import pg from 'pg'
import { readConfig } from './config.ts'
import { createOutputDelivery, type ConsumerDelivery } from './deliver-output.ts'
import { createJobLog } from './job-log.ts'
import { loadKeptLogs } from './kept-logs.ts'
import { publishJob } from './publish.ts'
import { loadStepSettings } from './step-settings.ts'

const HELP = `pod-publishing: stores the outputs and logs of one job and records where they are.

  --step-files FOLDER   (or STEP_FILES) the step's private files: ${STEP_FILE.report}, ${STEP_FILE.publish}, ${STEP_FILE.results},
                        ${STEP_FILE.output}
  --path FOLDER         (or VOLUME) the job's volume, /data in a container
  --workflowid ID       the job
  --help                this text

Exit code: 0 everything that may be stored is; 1 some files are not, and the others are recorded, or it failed at all;
2 a wrong option or setting.
`

/** How long an outage of the database may last before finished work is given up, in milliseconds. */
const REPORT_PATIENCE_MS = 600_000
const REPORT_ANSWER_MS = 10_000
const UPLOAD_SILENCE_MS = 120_000
const UPLOADS_AT_ONCE = 16
/** A key is 64 hex digits and its object's name: far below what one report may hold. */
const KEYS_A_REPORT = 10_000

await runMain(async () => {
  const options = parsePodOptions(process.argv.slice(2), process.env)
  if (!options) {
    process.stdout.write(HELP)
    return
  }
  const config = readConfig(process.env)
  const { stepFiles, volume: root, jobId } = options
  const { report, results, publish, output } = await loadStepSettings(stepFiles, config.resultsFolder)
  const { token } = report
  const reporter = openReporter({
    // A silent server is given up on: half-open connections say nothing for ever.
    createClient: () =>
      new pg.Client({
        connectionString: report.databaseUrl,
        connectionTimeoutMillis: REPORT_ANSWER_MS,
        query_timeout: REPORT_ANSWER_MS,
      }),
    patienceMs: REPORT_PATIENCE_MS,
  })

  const keys: ObjectKey[] = []
  const stores = createResultStores(results, {
    keys: { keep: (key) => Promise.resolve(void keys.push(key)) },
  })
  const log = createJobLog({ write: (text) => void process.stdout.write(text) })
  const keptLogs = await loadKeptLogs(stepFiles)
  const deliver = createOutputDelivery(output && openDelivery(jobId, output, config.outboundAllow), log)
  const { rows, lost, refusal } = await publishJob({ jobId, root, publish, keptLogs }, { stores, log, deliver })
  stores.close()

  // Keys before the rows that need them: no row is ever shown that could not be read.
  while (keys.length > 0) {
    await reporter.deliver(reportPublishing({ jobId, token, keys: keys.splice(0, KEYS_A_REPORT) }))
  }
  if (refusal !== undefined) await reporter.deliver(reportPublishing({ jobId, token, refusal }))
  await reporter.deliver(reportOutputs({ jobId, token, outputs: rows }))
  process.exit(lost === 0 ? 0 : 1)
})

/** A consumer named the address: only the guarded client goes there (DESIGN §4.8). */
function openDelivery(
  jobId: string,
  output: ConsumerOutput | 'unreadable',
  allowList: readonly string[],
): ConsumerDelivery {
  if (output === 'unreadable') {
    const detail = 'The environment cannot read where it should go.'
    return { target: { put: () => Promise.reject(new AppError('InvalidRequest', { detail })) }, keepsCopy: true }
  }
  const upload = createGuardedUpload({ allowList, timeoutMs: UPLOAD_SILENCE_MS, connections: UPLOADS_AT_ONCE })
  return { target: createConsumerTarget(output.remoteStorage, { jobId }, { upload }), keepsCopy: output.keepsCopy }
}
