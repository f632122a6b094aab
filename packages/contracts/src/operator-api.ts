import { z } from 'zod'
import { workflowSchema } from './workflow.ts'

/** Base of every operational route (operator-service-api §1). */
export const OPERATOR_BASE_PATH = '/api/v1/operator'

/** A nonce as its literal decimal text: 19-digit integers do not survive a double (provider-http-api §2.2). */
export const nonceTextSchema = z
  .union([z.string(), z.number()])
  .transform((nonce) => String(nonce))
  .pipe(z.string().regex(/^\d{1,40}(?:\.\d{1,20})?$/, 'must be a decimal number'))

/** Body of `POST /compute` (operator-service-api §3.1) after the key-presence checks. */
export const startJobRequestSchema = z.object({
  workflow: workflowSchema,
  agreementId: z.string().min(1).max(255),
  owner: z.string().min(1).max(255),
  providerSignature: z.string(),
  environment: z.string().min(1).max(255),
  nonce: nonceTextSchema,
  chainId: z.number().int().nullish(),
  providerAddress: z.string().nullish(),
  /** Epoch seconds until which the run is paid for; 0 or absent is no limit of its own. */
  validUntil: z.coerce.number().int().nonnegative().nullish(),
})
export type StartJobRequest = z.infer<typeof startJobRequestSchema>

/** The keys `POST /compute` asks for, in the order it complains about them. */
export const START_JOB_REQUIRED_KEYS = [
  'workflow',
  'agreementId',
  'owner',
  'providerSignature',
  'environment',
  'nonce',
] as const

/** Selectors of GET and PUT /compute: a missing or one-character selector is dropped (operator-service-api §4.1). */
export const jobSelectorSchema = z.object({
  owner: z.string().nullish(),
  agreementId: z.string().nullish(),
  jobId: z.string().nullish(),
})
export type JobSelector = z.infer<typeof jobSelectorSchema>
