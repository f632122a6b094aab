import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { STEP_FILE, jobIdSchema, stepReportSchema } from '@c2d/contracts'
import { openReporter, reportOutputs } from '@c2d/operator-db/reports'
import { runMain } from '@c2d/runtime'
import { createFilesystemStore } from '@c2d/storage'
import pg from 'pg'
import { collectFiles } from './collect.ts'
import { readConfig } from './config.ts'
import { publishFiles } from './publish.ts'

const HELP = `pod-publishing: stores the outputs and logs of one job and records where they are.

  --step-files FOLDER   (or STEP_FILES) the step's private files: ${STEP_FILE.report}
  --path FOLDER         (or VOLUME) the job's volume, /data in a container
  --workflowid ID       the job
  --help                this text

Exit code: 0 everything is stored; 1 some files are not (the others are recorded); 2 anything else.
`

/** How long an outage of the database may last before finished work is given up, in milliseconds. */
const REPORT_PATIENCE_MS = 600_000
const REPORT_ANSWER_MS = 10_000

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      'step-files': { type: 'string' },
      path: { type: 'string' },
      workflowid: { type: 'string' },
      verbose: { type: 'boolean', short: 'v' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const config = readConfig(process.env)
  const stepFiles = values['step-files'] ?? config.stepFiles
  const path = values.path ?? config.volume
  if (!stepFiles || !path) throw new Error(`--step-files and --path are needed\n\n${HELP}`)
  const jobId = jobIdSchema.parse(values.workflowid)
  const report = stepReportSchema.parse(JSON.parse(await readFile(join(stepFiles, STEP_FILE.report), 'utf8')))
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

  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const { files, leftOut } = await collectFiles(path)
  for (const name of leftOut) say(`Left out ${name}: neither a file nor a folder`)
  const { results, failures } = await publishFiles(jobId, files, {
    store: createFilesystemStore({ root: config.resultsFolder }),
    say,
  })

  await reporter.deliver(reportOutputs({ jobId, token: report.token, outputs: results }))
  say(`${results.length} files stored, ${failures.length} lost`)
  process.exit(failures.length === 0 ? 0 : 1)
})
