import { didSuffix, type StoredWorkflow } from '@c2d/contracts'
import type { StepSpec } from '../executor/executor.ts'
import type { EnvironmentConfig } from '../config.ts'
import { algorithmDeadlineMs } from '../deadlines.ts'
import { stepLimits } from './step-limits.ts'

/** Where the algorithm finds itself; every `$ALGO` of an entrypoint becomes this (pods-behaviour §3.1). */
const ALGORITHM_PATH = '/data/transformations/algorithm'

/**
 * The algorithm step: the entrypoint as shell text, and the environment published algorithms rely on
 * (pods-behaviour §3.2). No secret of ours, no address, no workflow (DESIGN §4.6). Its backstop fits what is paid for,
 * so that it holds where no engine is there to hold it.
 * @param validUntil epoch seconds; null is no end of its own
 */
export function buildAlgorithmStep(
  workflow: StoredWorkflow,
  environment: EnvironmentConfig,
  validUntil: number | null,
  nowMs: number,
): StepSpec {
  const lastsMs = algorithmDeadlineMs(nowMs, environment.maxJobDuration, validUntil) - nowMs
  const stage = workflow.spec.metadata.stages[0]
  if (!stage) throw new Error('the workflow has no stage')
  const dids = stage.input.flatMap((input) => (input.id ? [didSuffix(input.id)] : []))
  return {
    kind: 'algorithm',
    image: formatImage(stage.algorithm.container),
    allowNetworkAccess: stage.compute['allowNetworkAccess'] === true,
    command: ['sh', '-c', stage.algorithm.container.entrypoint.replaceAll('$ALGO', ALGORITHM_PATH)],
    env: {
      // A blank after each comma, as Python writes it and some algorithms expect it.
      DIDS: `[${dids.map((did) => JSON.stringify(did)).join(', ')}]`,
      TRANSFORMATION_DID: didSuffix(stage.algorithm.id ?? ''),
      VOLUME: '/data',
      INPUTS: '/data/inputs',
      OUTPUTS: '/data/outputs',
      LOGS: '/data/logs',
      secret: workflow.metadata.secret,
    },
    limits: stepLimits(environment, Math.max(1, Math.ceil(lastsMs / 1000))),
  }
}

/** The digest by which an image is pulled; null where it is pulled by its name. */
export function pinnedDigest({ checksum }: { checksum?: string | null | undefined }): string | null {
  return checksum?.startsWith('sha256:') === true ? checksum : null
}

/** A container image as it is pulled: by what it is where the order says so, by its name otherwise (pods-behaviour §3.1). */
function formatImage({
  image,
  tag,
  checksum,
}: {
  image: string
  tag?: string | null | undefined
  checksum?: string | null | undefined
}): string {
  const digest = pinnedDigest({ checksum })
  if (digest !== null) return `${image}@${digest}`
  return tag ? `${image}:${tag}` : image
}
