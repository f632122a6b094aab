import { parseArgs } from 'node:util'
import { jobIdSchema } from '@c2d/contracts'
import { toError } from './app-error.ts'
import { UsageError } from './usage-error.ts'

/** What the program of a step is told by its command line (pods-behaviour §1.1, §2.1). */
export interface PodOptions {
  /** Folder of the step's private files. */
  stepFiles: string
  /** Root of the job's volume. */
  volume: string
  jobId: string
}

/**
 * Reads the command line of a pod.
 * @param args without the program's own name
 * @param env `STEP_FILES` and `VOLUME` stand for the options of the same meaning
 * @returns null where help is asked for
 * @throws UsageError for an unknown option, or one that is missing
 */
export function parsePodOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): PodOptions | null {
  const given = readArguments(args)
  if (given.help) return null
  const stepFiles = given['step-files'] || env['STEP_FILES']
  const volume = given.path || env['VOLUME']
  const jobId = jobIdSchema.safeParse(given.workflowid)
  if (!stepFiles) throw new UsageError('--step-files (or STEP_FILES) is needed')
  if (!volume) throw new UsageError('--path (or VOLUME) is needed')
  if (!jobId.success) throw new UsageError('--workflowid must be the id of a job')
  return { stepFiles, volume, jobId: jobId.data }
}

function readArguments(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'step-files': { type: 'string' },
        path: { type: 'string' },
        workflowid: { type: 'string' },
        verbose: { type: 'boolean', short: 'v' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    return values
  } catch (thrown) {
    const [sentence] = toError(thrown).message.split('. ') // what follows is about arguments that begin with a dash
    throw new UsageError(sentence ?? 'an option is not known')
  }
}
