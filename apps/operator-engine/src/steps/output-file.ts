import { eciesDecrypt } from '@c2d/chain'
import { STEP_FILE, type StoredWorkflow } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { EnvironmentConfig } from '../config.ts'

/**
 * The publish step's file about the consumer's own storage, where the workflow names one. It was encrypted to this
 * environment by the provider, which had checked it; it stands in the clear in this file and nowhere else.
 * @returns no file where none is named; one that names nothing where it was encrypted to another key: then the step
 *   can say so beside each file, and nothing is lost
 */
export function buildOutputFile(
  { privateKey }: Pick<EnvironmentConfig, 'privateKey'>,
  workflow: StoredWorkflow | null,
): Record<string, string> {
  const encrypted = workflow?.spec.metadata.stages[0]?.output.consumerOutput
  if (encrypted === undefined) return {}
  try {
    const opened = eciesDecrypt(privateKey.reveal(), Buffer.from(encrypted.slice(2), 'hex'))
    return { [STEP_FILE.output]: Buffer.from(opened).toString('utf8') }
  } catch (thrown) {
    if (thrown instanceof AppError) return { [STEP_FILE.output]: '{}' }
    throw thrown
  }
}
