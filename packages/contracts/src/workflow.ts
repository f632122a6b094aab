import { z } from 'zod'
import { encryptedOutputSchema } from './consumer-output.ts'
import { sha256HexSchema } from './primitives.ts'
import { derivedAssetSchema } from './derived-asset.ts'
import { startEvidenceSchema } from './proof.ts'

const remoteSchema = z.object({
  txId: z.string(),
  serviceId: z.string(),
  serviceEndpoint: z.string().optional(),
  userdata: z.unknown().optional(),
  /** Goes before `userdata` where old workflows have both (pods-behaviour §1.5). */
  algouserdata: z.unknown().optional(),
  /** What the reference provider writes for algorithms (pods-behaviour §1.7); read beside `userdata`. */
  userData: z.unknown().optional(),
  /** Where another provider serves it: how many files there are, since each is asked for by signed requests (DESIGN §4.6). */
  foreignFiles: z.number().int().positive().optional(),
})

/** One dataset of a stage: behind a provider (`remote`) or, in legacy workflows, a plain address. */
export const stageInputSchema = z.object({
  index: z.number().int().nonnegative().optional(),
  id: z.string().optional(),
  url: z.union([z.string(), z.array(z.string()), z.null()]).optional(),
  remote: remoteSchema.optional(),
  /** SHA-256 of each file, where they are known before: pod-configuration refuses other bytes (DESIGN §4.4). */
  checkedFiles: z.array(sha256HexSchema).optional(),
  /** What the owner said in the dataset's document: no hash of a file goes where the consumer reads it. */
  saltFileHashes: z.boolean().optional(),
})
export type StageInput = z.infer<typeof stageInputSchema>

/** The algorithm of a stage (provider-http-api §8.2). */
export const stageAlgorithmSchema = z.object({
  id: z.string().nullish(),
  url: z.union([z.string(), z.array(z.string()), z.null()]).optional(),
  rawcode: z.string().nullish(),
  remote: remoteSchema.optional(),
  container: z
    .object({
      entrypoint: z.string(),
      image: z.string(),
      tag: z.string().nullish(),
      checksum: z.string().nullish(),
    })
    .loose(),
  algouserdata: z.unknown().optional(),
  algocustomdata: z.unknown().optional(),
  /** SHA-256 of each algorithm file the provider checked: pod-configuration refuses other bytes (DESIGN §4.4). */
  checkedFiles: z.array(sha256HexSchema).optional(),
})
export type StageAlgorithm = z.infer<typeof stageAlgorithmSchema>

/** One stage; exactly one is supported (operator-service-api §3.2). */
export const stageSchema = z.object({
  index: z.number().int().nonnegative().optional(),
  input: z.array(stageInputSchema),
  algorithm: stageAlgorithmSchema,
  compute: z.record(z.string(), z.unknown()),
  output: z
    .object({
      metadataUri: z.string().nullish(),
      /** A `ConsumerOutput`, encrypted to the environment: neither rows nor other pods can read it. */
      consumerOutput: encryptedOutputSchema.optional(),
      /** What the results are to become when the job has ended well. */
      derivedAsset: derivedAssetSchema.optional(),
    })
    .loose(),
  /** What the provider found when it let this job start, for its proof; no pod needs it. */
  evidence: startEvidenceSchema.optional().catch(undefined),
})
export type Stage = z.infer<typeof stageSchema>

/** What a provider sends: the stages. */
export const workflowSchema = z.object({ stages: z.array(stageSchema).length(1) })
export type Workflow = z.infer<typeof workflowSchema>

/** What `jobs.workflow` holds: the wrapped document of operator-service-api §3.3. */
export const storedWorkflowSchema = z.object({
  apiVersion: z.literal('v0.0.1'),
  kind: z.literal('WorkFlow'),
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    labels: z.object({ workflow: z.string() }),
    secret: z.string(),
  }),
  spec: z.object({
    metadata: z.object({ stages: z.array(stageSchema).length(1), chainId: z.number().int().nullish() }),
  }),
})
export type StoredWorkflow = z.infer<typeof storedWorkflowSchema>
