import { z } from 'zod'
import { isolationReceiptSchema } from './isolation-receipt.ts'
import { STEPS } from './job-status.ts'
import { addressSchema, didSchema, jobIdSchema, sha256HexSchema, transactionHashSchema } from './primitives.ts'
import { REASON_NAMES } from './reason.ts'

/** The types of a proof: an in-toto Statement v1 in a DSSE envelope. docs/proof.md explains them to a reader. */
export const PROOF_STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
export const PROOF_PAYLOAD_TYPE = 'application/vnd.in-toto+json'
export const PROOF_PREDICATE_TYPE = 'urn:compute-to-data:proof-of-computation:v1'

// What is said of a member stands in its description, so that the published JSON Schema says it too.
const epochMsSchema = z.number().int().nonnegative().describe('Epoch milliseconds, by the clock of the operator')

const stagedFileSchema = z
  .strictObject({
    index: z.number().int().nonnegative().describe('Position in the service'),
    sha256: sha256HexSchema.describe(
      'SHA-256 of the bytes; with `salted`, HMAC-SHA256 with the salt (32 bytes) as key over that SHA-256 in hex',
    ),
    salted: z
      .literal(true)
      .optional()
      .describe('The owner of the dataset lets only holders of the salt check the file'),
  })
  .meta({ id: 'StagedFile', description: 'One file that reached the job' })

const orderSchema = z
  .strictObject({
    did: didSchema,
    serviceId: z.string(),
    serviceIndex: z.number().int().nonnegative(),
    nft: addressSchema,
    datatoken: addressSchema.describe('Emitted the order'),
    txId: transactionHashSchema.describe('startOrder, or reuseOrder'),
  })
  .meta({
    id: 'ProofOrder',
    description: 'One paid order, with what lets anybody read it on chain and see that it is of this asset',
  })
export type ProofOrder = z.infer<typeof orderSchema>

const ruleVerdictSchema = z
  .strictObject({
    rule: z.string().describe('Stable id of the rule'),
    resource: z.string().describe('The part of the request it is about'),
    verdict: z.enum(['allow', 'deny', 'skipped']),
  })
  .meta({ id: 'RuleVerdict', description: 'One rule of a start, and what it said' })

/** What a provider found when it let a job start: the orders that pay for it, and the rules it was judged by. */
export const startEvidenceSchema = z.object({
  orders: z.array(orderSchema),
  rules: z.array(ruleVerdictSchema),
  /** What the consumer signed to start it, and the signature; absent where an auth token stood in for it. */
  consent: z.object({ text: z.string(), signature: z.string() }).optional(),
})
export type StartEvidence = z.infer<typeof startEvidenceSchema>

/** What a proof says of one job. Everything in it is a fact the operator recorded while the job ran. */
export const proofPredicateSchema = z
  .strictObject({
    job: z.strictObject({
      id: jobIdSchema,
      agreementId: z.string(),
      chainId: z.number().int().positive().nullable(),
      consumer: addressSchema,
    }),
    environment: z
      .strictObject({ id: z.string(), address: addressSchema })
      .describe('Where it ran: the address that the orders name, and that computeEnvironments tells'),
    orders: z.array(orderSchema),
    datasets: z.array(
      z.strictObject({
        did: z.string().nullable(),
        serviceId: z.string().nullable(),
        files: z.array(stagedFileSchema),
      }),
    ),
    algorithm: z.strictObject({
      did: z.string().nullable().describe('The published algorithm; null for raw code, which its hash names'),
      serviceId: z.string().nullable(),
      files: z.array(stagedFileSchema),
      image: z.string(),
      imageDigest: z
        .string()
        .nullable()
        .describe('What the image was pulled by; null where it was pulled by its name, or none was'),
      entrypoint: z.string(),
    }),
    execution: z.strictObject({
      executor: z.enum(['process', 'kubernetes']),
      limits: z.strictObject({
        maxDurationSeconds: z.number().nonnegative(),
        memoryBytes: z.number().nonnegative(),
        workspaceBytes: z.number().nonnegative(),
      }),
      isolation: isolationReceiptSchema
        .nullable()
        .describe('What the seal gate saw before the first instruction; null where nothing was measured'),
      steps: z.array(
        z.strictObject({
          name: z.enum(STEPS),
          attempt: z.number().int().positive(),
          startedAtMs: epochMsSchema,
          endedAtMs: epochMsSchema,
        }),
      ),
      exitCode: z.number().int().nullable().describe('Of the algorithm; null where it did not run to an end'),
      reason: z.enum(REASON_NAMES).nullable().describe('Why the job ended as it did; null where it went well'),
    }),
    rules: z.array(ruleVerdictSchema).describe('The rules a start was judged by, in the order of the evaluation'),
    createdAtMs: epochMsSchema,
    finishedAtMs: epochMsSchema,
  })
  .meta({ id: 'ProofPredicate', description: 'What the operator recorded of one job while it ran' })
export type ProofPredicate = z.infer<typeof proofPredicateSchema>

/** A file the proof vouches for: an output or a log. */
export const proofSubjectSchema = z
  .strictObject({
    name: z.string().min(1),
    digest: z.strictObject({ sha256: sha256HexSchema }),
  })
  .meta({ id: 'ProofSubject', description: 'An output or a log that the job left; the job itself where it left none' })
export type ProofSubject = z.infer<typeof proofSubjectSchema>

export const proofStatementSchema = z.strictObject({
  _type: z.literal(PROOF_STATEMENT_TYPE),
  subject: z.array(proofSubjectSchema).min(1),
  predicateType: z.literal(PROOF_PREDICATE_TYPE),
  predicate: proofPredicateSchema,
})
export type ProofStatement = z.infer<typeof proofStatementSchema>

/**
 * What ties a proof key to an environment: the environment's own key, whose address consumers ordered for, says for
 * which time the other one signs. Old proofs stay good after a rotation; the endorsement travels with each.
 */
export const keyEndorsementSchema = z.strictObject({
  environment: z.string().min(1),
  environmentAddress: addressSchema,
  keyAddress: addressSchema,
  /** Epoch seconds: proofs of jobs that finished from then … */
  validFrom: z.number().int().nonnegative(),
  /** … until before then. */
  validUntil: z.number().int().positive(),
  signature: z.string(),
})
export type KeyEndorsement = z.infer<typeof keyEndorsementSchema>

/** A DSSE envelope. `endorsement` is ours, beside the members of the standard, which tells readers to skip unknown ones. */
export const proofEnvelopeSchema = z.object({
  payloadType: z.literal(PROOF_PAYLOAD_TYPE),
  payload: z.base64(),
  signatures: z.array(z.object({ keyid: addressSchema, sig: z.base64(), endorsement: keyEndorsementSchema })).length(1),
})
export type ProofEnvelope = z.infer<typeof proofEnvelopeSchema>

/**
 * The salt of one dataset in the proof of one job: 32 bytes in hex. Whoever has it can tell which files the proof speaks
 * of; it stands in no statement.
 */
export const fileSaltSchema = z.object({ did: z.string(), salt: sha256HexSchema })
export type FileSalt = z.infer<typeof fileSaltSchema>
export const fileSaltListSchema = z.array(fileSaltSchema)

/** A proof as the owner of a dataset gets it: the salts of their datasets stand beside the envelope, unsigned. */
export const ownedProofSchema = proofEnvelopeSchema.extend({ salts: fileSaltListSchema.optional() })
export type OwnedProof = z.infer<typeof ownedProofSchema>
