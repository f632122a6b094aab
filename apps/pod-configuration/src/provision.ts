import { chmod, writeFile } from 'node:fs/promises'
import { JOB_STATUS, type Reason, type StepWorkflow } from '@c2d/contracts'
import type { ProvisioningStatus } from '@c2d/operator-db/reports'
import { fetchAsset, planAlgorithm, planInput, type FetchAssetDeps, type StagingEntry } from './fetch-asset.ts'
import { createFolders } from './layout.ts'
import { ProvisionError } from './provision-error.ts'

/** How provisioning ended: the status to report, and what was staged. */
export interface ProvisionResult {
  status: ProvisioningStatus
  reason: Reason | null
  /** One sentence for the consumer. */
  message: string
  files: StagingEntry[]
}

/**
 * Step one of a job (pods-behaviour §1.4): folders, every dataset, custom data, the algorithm. A dataset that fails
 * does not keep the others from being tried, so that the log tells all that is wrong; the algorithm is then left out.
 */
export async function provision(workflow: StepWorkflow, deps: FetchAssetDeps): Promise<ProvisionResult> {
  await createFolders(deps.layout)
  const stage = workflow.stages[0]
  if (!stage) throw new Error('the workflow has no stage')
  const files: StagingEntry[] = []

  const failures: ProvisionError[] = []
  for (const [position, input] of stage.input.entries()) {
    deps.say(`Fetching dataset ${position + 1} of ${stage.input.length}: ${input.id ?? '(no id)'}`)
    try {
      files.push(...(await fetchAsset(planInput(input, deps.layout), deps)))
    } catch (thrown) {
      const failure = asProvisionError(thrown, 'InputFetchFailed', `Dataset ${input.id ?? position}`)
      deps.say(failure.message)
      failures.push(failure)
    }
  }
  const firstFailure = failures[0]
  if (firstFailure) return failed(JOB_STATUS.inputFailed.code, firstFailure, files)

  try {
    const { algorithm } = stage
    if ('algocustomdata' in algorithm) {
      await writeFile(deps.layout.customData, JSON.stringify(algorithm.algocustomdata ?? null))
    }
    if (algorithm.rawcode) {
      await writeFile(deps.layout.algorithm, algorithm.rawcode)
      deps.say('Wrote the algorithm from the code in the request')
    } else {
      files.push(...(await fetchAsset(planAlgorithm(algorithm, deps.layout), deps)))
    }
    await chmod(deps.layout.algorithm, 0o777)
  } catch (thrown) {
    const failure = asProvisionError(thrown, 'AlgorithmFetchFailed', 'The algorithm')
    deps.say(failure.message)
    return failed(JOB_STATUS.algorithmFailed.code, failure, files)
  }
  return { status: JOB_STATUS.provisioned.code, reason: null, message: 'Everything is in place.', files }
}

function failed(status: ProvisioningStatus, failure: ProvisionError, files: StagingEntry[]): ProvisionResult {
  return { status, reason: failure.reason, message: failure.message, files }
}

function asProvisionError(thrown: unknown, reason: Reason, what: string): ProvisionError {
  if (thrown instanceof ProvisionError) return thrown
  const why = thrown instanceof Error ? thrown.message : String(thrown)
  return new ProvisionError(reason, `${what} could not be fetched: ${why}`, { cause: thrown })
}
