import { z } from 'zod'
import { isolationReceiptSchema } from './isolation-receipt.ts'
import { jobAssetSchema, jobProofSchema } from './job-sequel.ts'
import { REASON_NAMES } from './reason.ts'

/** What a result is; `configrationLog` is misspelt on the wire, and clients know it that way (operator-service-api §9.1). */
export const RESULT_TYPES = ['output', 'algorithmLog', 'configrationLog', 'publishLog', 'filteringLog'] as const
export type ResultType = (typeof RESULT_TYPES)[number]

/** One entry of `jobs.outputsURL`; its position in the array is the result index. */
export const storedResultSchema = z.object({
  filename: z.string(),
  filesize: z.number().int().nonnegative(),
  url: z.string(),
  type: z.enum(RESULT_TYPES),
  // What follows stands beside the reference's members.
  /** SHA-256 of the file's bytes. */
  sha256: z.string().optional(),
  /** Where it lay in the job's volume, with `/`: `outputs/tables/a.csv`. */
  path: z.string().optional(),
  /** Addresses of further copies, where results go to several places; `url` is the first. */
  copies: z.array(z.string()).optional(),
  /** Why it is not stored, or not everywhere; where it is nowhere, `url` is empty. */
  failure: z.string().optional(),
  /** The consumer's own storage has it; where the operator's does not, `url` is empty. */
  delivered: z.boolean().optional(),
  /** Why the consumer's own storage does not have it, although it should. */
  deliveryFailure: z.string().optional(),
  /** Its time was over and it was removed: `url` is empty, the rest is the record of it. */
  expired: z.boolean().optional(),
})
export type StoredResult = z.infer<typeof storedResultSchema>
export const storedResultListSchema = z.array(storedResultSchema)

/** A result as a status answer shows it: no address of where it is kept. */
export const jobResultSchema = z
  .object({ filename: z.string(), filesize: z.number(), type: z.string(), index: z.number().int().optional() })
  .loose()
export type JobResult = z.infer<typeof jobResultSchema>

/** One line of a job's timeline: what happened, when (epoch milliseconds), by whom. */
export const jobEventSchema = z.object({
  what: z.string(),
  atMs: z.number(),
  by: z.string(),
  detail: z.record(z.string(), z.unknown()).optional(),
})
export type JobEvent = z.infer<typeof jobEventSchema>

/**
 * A job in a status answer (operator-service-api §5), with what we add: `reason`, `exitCode`, `isolation`,
 * `queuePosition`, `timeline`, `proof`, `asset`.
 */
export const jobStatusAnswerSchema = z
  .object({
    agreementId: z.string(),
    jobId: z.string(),
    owner: z.string(),
    status: z.number().int(),
    statusText: z.string(),
    dateCreated: z.string(),
    dateFinished: z.string().nullable(),
    results: z.union([z.literal(''), z.array(jobResultSchema)]),
    stopreq: z.number().int(),
    removed: z.number().int(),
    algoDID: z.string(),
    inputDID: z.array(z.string()),
    reason: z.enum(REASON_NAMES).nullish(),
    exitCode: z.number().int().nullish(),
    /** What sealed the algorithm off; null before it ran, and where nothing was measured. */
    isolation: isolationReceiptSchema.nullish(),
    /** Place in the queue of its environment, from 1; null once it is at work. */
    queuePosition: z.number().int().nullish(),
    timeline: z.array(jobEventSchema).optional(),
    /** What was signed of it; absent before. */
    proof: jobProofSchema.optional(),
    /** What its results become; absent where they become nothing. */
    asset: jobAssetSchema.optional(),
  })
  .loose()
export type JobStatusAnswer = z.infer<typeof jobStatusAnswerSchema>
export const jobStatusAnswerListSchema = z.array(jobStatusAnswerSchema)
