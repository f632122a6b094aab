import { eciesDecrypt } from '@c2d/chain'
import { STEP_FILE, consumerOutputSchema, type ConsumerOutput, type StoredWorkflow } from '@c2d/contracts'
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
  const text = decryptOutput({ privateKey }, workflow)
  return text === null ? {} : { [STEP_FILE.output]: text }
}

/** The same for this engine itself, which brings later what the step could not; null where it cannot be read, or is not. */
export function readConsumerOutput(
  environment: Pick<EnvironmentConfig, 'privateKey'>,
  workflow: StoredWorkflow | null,
): ConsumerOutput | null {
  const text = decryptOutput(environment, workflow)
  return text === null ? null : (consumerOutputSchema.safeParse(JSON.parse(text)).data ?? null)
}

function decryptOutput(
  { privateKey }: Pick<EnvironmentConfig, 'privateKey'>,
  workflow: StoredWorkflow | null,
): string | null {
  const encrypted = workflow?.spec.metadata.stages[0]?.output.consumerOutput
  if (encrypted === undefined) return null
  try {
    return Buffer.from(eciesDecrypt(privateKey.reveal(), Buffer.from(encrypted.slice(2), 'hex'))).toString('utf8')
  } catch (thrown) {
    if (thrown instanceof AppError) return '{}'
    throw thrown
  }
}
