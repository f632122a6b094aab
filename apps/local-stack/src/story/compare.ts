import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DemonstrationAlgorithm } from '../algorithms.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 180_000

/** The file that both demonstration algorithms write. */
export const RESULT_FILE = 'result.json'

/**
 * Runs an algorithm's own file directly on a dataset, outside the system: what its result has to be.
 * @param options.folder an empty folder for the run
 * @param options.path where programs are found
 * @returns the bytes of its result file
 * @throws Error with the algorithm's words where it fails
 */
export async function runDirectly(options: {
  readonly algorithm: DemonstrationAlgorithm
  readonly datasetPath: string
  readonly folder: string
  readonly path: string
}): Promise<Buffer> {
  const [inputs, outputs] = [join(options.folder, 'inputs'), join(options.folder, 'outputs')]
  await mkdir(join(inputs, 'dataset'), { recursive: true })
  await mkdir(outputs)
  await copyFile(options.datasetPath, join(inputs, 'dataset', '0'))
  const program = options.algorithm.name === 'node' ? process.execPath : 'python3'
  await run(program, [options.algorithm.path], {
    cwd: options.folder,
    env: { PATH: options.path, DIDS: '["dataset"]', INPUTS: inputs, OUTPUTS: outputs, LANG: 'C.UTF-8' },
    timeout: TIMEOUT_MS,
  })
  return readFile(join(outputs, RESULT_FILE))
}

/** Whether two results are the same bytes, and where not, the first line in which they differ. */
export type Comparison =
  | { readonly isEqual: true }
  | { readonly isEqual: false; readonly line: number; readonly expected: string; readonly actual: string }

/** Compares what the system returned with what the algorithm computes directly. Every byte counts. */
export function compareResults(expected: Buffer, actual: Buffer): Comparison {
  if (expected.equals(actual)) return { isEqual: true }
  const [expectedLines, actualLines] = [expected, actual].map((bytes) => bytes.toString('utf8').split('\n'))
  const length = Math.max(expectedLines?.length ?? 0, actualLines?.length ?? 0)
  for (let index = 0; index < length; index++) {
    const [expectedLine, actualLine] = [expectedLines?.[index] ?? '', actualLines?.[index] ?? '']
    if (expectedLine !== actualLine) {
      return { isEqual: false, line: index + 1, expected: expectedLine, actual: actualLine }
    }
  }
  // Bytes that are no text can differ although their texts do not.
  return { isEqual: false, line: 1, expected: expected.toString('hex'), actual: actual.toString('hex') }
}
