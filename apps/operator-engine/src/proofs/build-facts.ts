import { sha256Hex } from '@c2d/chain'
import {
  STEPS,
  sha256HexSchema,
  type FileSalt,
  type JobEvent,
  type ProofPredicate,
  type ProofSubject,
  type StageInput,
  type StoredResult,
} from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'
import { saltHash } from '@c2d/proof'
import { z } from 'zod'
import type { EnvironmentConfig } from '../config.ts'
import type { Executor } from '../executor/executor.ts'
import { pinnedDigest } from '../steps/algorithm-step.ts'
import { stepLimits } from '../steps/step-limits.ts'
import { deriveFileSalt } from './file-salt.ts'

/** What pod-configuration recorded of each file that reached the job. */
const stagingSchema = z.object({
  files: z.array(z.object({ did: z.string(), index: z.number().int().nonnegative(), sha256: sha256HexSchema })),
})

const epochMsSchema = z.number().nonnegative().transform(Math.round)
const finishedSchema = z.object({
  steps: z.partialRecord(
    z.enum(STEPS),
    z.object({ attempt: z.number().int().positive(), startedAtMs: epochMsSchema, endedAtMs: epochMsSchema }),
  ),
})

/**
 * What a proof says of a finished job: nothing but what its row and its timeline hold, so that whoever reads them again
 * finds the same. Where the owner of a dataset wants it, salted hashes stand for those of its files.
 * @returns the salts beside it; null for a row that is no job of ours to vouch for: unfinished, or without a readable workflow
 */
export function buildFacts(
  job: JobRow,
  timeline: readonly JobEvent[],
  { environment, executor }: { environment: EnvironmentConfig; executor: Executor['name'] },
): { predicate: ProofPredicate; files: ProofSubject[]; salts: FileSalt[] } | null {
  const stage = job.workflow?.spec.metadata.stages[0]
  if (!stage || job.dateFinished === null) return null
  const staged = stagingSchema.safeParse(job.staging).data?.files ?? []
  const filesOf = (did: string) =>
    staged.filter((file) => file.did === did).map(({ index, sha256 }) => ({ index, sha256 }))
  const salts = saltsOf(stage.input, environment, job.jobId)
  const datasetFilesOf = (did: string) => {
    const salt = salts.find((one) => one.did === did)?.salt
    if (salt === undefined) return filesOf(did)
    return filesOf(did).map(({ index, sha256 }) => ({ index, sha256: saltHash(salt, sha256), salted: true as const }))
  }
  const { container, rawcode } = stage.algorithm
  const { maxDurationSeconds, memoryBytes, workspaceBytes } = stepLimits(environment, environment.maxJobDuration)
  return {
    predicate: {
      job: { id: job.jobId, agreementId: job.agreementId, chainId: job.chainId, consumer: job.owner },
      environment: { id: environment.id, address: environment.consumerAddress },
      orders: stage.evidence?.orders ?? [],
      datasets: stage.input.map(({ id, remote }) => ({
        did: id ?? null,
        serviceId: remote?.serviceId ?? null,
        files: datasetFilesOf(id ?? ''),
      })),
      algorithm: {
        did: stage.algorithm.id || null,
        serviceId: stage.algorithm.remote?.serviceId ?? null,
        files: rawcode ? [{ index: 0, sha256: sha256Hex(rawcode) }] : filesOf(stage.algorithm.id ?? ''),
        image: container.tag ? `${container.image}:${container.tag}` : container.image,
        imageDigest: executor === 'kubernetes' ? pinnedDigest(container) : null,
        entrypoint: container.entrypoint,
      },
      execution: {
        executor,
        limits: { maxDurationSeconds, memoryBytes, workspaceBytes },
        isolation: job.isolation,
        steps: stepsOf(timeline),
        exitCode: job.exitCode,
        reason: job.reason,
      },
      rules: stage.evidence?.rules ?? [],
      createdAtMs: epochMsOf(job.dateCreated),
      finishedAtMs: epochMsOf(job.dateFinished),
    },
    files: (job.outputs ?? []).flatMap(subjectOf),
    salts,
  }
}

/** One salt a dataset: said of one of its services, it holds for all of them, as files are known by their dataset. */
function saltsOf(inputs: readonly StageInput[], { privateKey }: EnvironmentConfig, jobId: string): FileSalt[] {
  const salted = inputs.flatMap(({ id, saltFileHashes }) => (id !== undefined && saltFileHashes === true ? [id] : []))
  return [...new Set(salted)].map((did) => ({ did, salt: deriveFileSalt(privateKey, jobId, did) }))
}

function stepsOf(timeline: readonly JobEvent[]): ProofPredicate['execution']['steps'] {
  const finished = timeline.findLast(({ what }) => what === 'finished')
  const steps = finishedSchema.safeParse(finished?.detail).data?.steps ?? {}
  return STEPS.flatMap((name) => {
    const step = steps[name]
    return step ? [{ name, ...step }] : []
  })
}

/** A stored file without a hash was never stored by us, and is not vouched for. */
function subjectOf(result: StoredResult): ProofSubject[] {
  const name = result.path ?? `${result.type}/${result.filename}`
  return result.sha256 ? [{ name, digest: { sha256: result.sha256 } }] : []
}

/** @param seconds epoch seconds as text with six decimals */
function epochMsOf(seconds: string): number {
  return Math.round(Number(seconds) * 1000)
}
