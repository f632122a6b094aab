import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  STEP_FILE,
  consumerOutputSchema,
  stepPublishSchema,
  stepReportSchema,
  type ConsumerOutput,
  type StepPublish,
  type StepReport,
} from '@c2d/contracts'
import { parseResultsConfig, type ResultsConfig } from '@c2d/storage'

/** What a publish step is told, in files that it alone sees. */
export interface StepSettings {
  report: StepReport
  results: ResultsConfig
  publish: StepPublish
  /** The consumer's own storage; null where none was named, `unreadable` where the environment cannot open it. */
  output: ConsumerOutput | 'unreadable' | null
}

const GIB = 1024 ** 3

/** Where an engine says nothing of it: what fits into a list of results and an ordinary workspace. */
const DEFAULTS: StepPublish = {
  maxFiles: 10_000,
  maxFileBytes: 1024 * GIB,
  maxTotalBytes: 1024 * GIB,
  archive: 'none',
  manifest: false,
}

/**
 * Reads the step's files.
 * @param folder where they lie
 * @param resultsFolder where the volume for results is mounted here, which only this process can know
 * @throws Error when there is no place to store to; ZodError for files that are not as they should be
 */
export async function loadStepSettings(folder: string, resultsFolder: string | undefined): Promise<StepSettings> {
  const read = (name: string) => readFile(join(folder, name), 'utf8')
  const report = stepReportSchema.parse(JSON.parse(await read(STEP_FILE.report)))
  const results = await readIfThere(read(STEP_FILE.results))
  const publish = await readIfThere(read(STEP_FILE.publish))
  const output = await readIfThere(read(STEP_FILE.output))
  return {
    report,
    results: locateResults(results === null ? null : parseResultsConfig(results), resultsFolder),
    publish: publish === null ? DEFAULTS : stepPublishSchema.parse(JSON.parse(publish)),
    output: output === null ? null : (consumerOutputSchema.safeParse(JSON.parse(output)).data ?? 'unreadable'),
  }
}

function locateResults(config: ResultsConfig | null, resultsFolder: string | undefined): ResultsConfig {
  if (config) {
    const targets = config.targets.map((target) =>
      target.backend === 'filesystem' ? { ...target, root: resultsFolder ?? target.root } : target,
    )
    return { targets }
  }
  if (resultsFolder === undefined) throw new Error('neither results.json nor RESULTS_FOLDER says where results go')
  return { targets: [{ backend: 'filesystem', root: resultsFolder }] }
}

async function readIfThere(reading: Promise<string>): Promise<string | null> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
