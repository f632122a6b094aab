import {
  addressSchema,
  containerSchema,
  didSchema,
  environmentSchema,
  fileInfoSchema,
  hexBytesSchema,
  jobIdSchema,
  jobStatusAnswerSchema,
  providerFeeSchema,
  providerRootSchema,
  quoteSchema,
  transactionHashSchema,
} from '@c2d/contracts'
import { z } from 'zod'

// The parameters, as they are told to people; what is checked of them is in the field rules of each route.

export const address = addressSchema.describe('An account, in any casing; messages are signed over the casing sent')
export const documentId = didSchema.describe('DID of the asset')
export const serviceId = z.string().min(1).describe('Id of one of the services in the asset’s document')
export const transferTxId = transactionHashSchema.describe('The transaction of startOrder or reuseOrder')
export const jobId = jobIdSchema
export const nonce = z
  .string()
  .regex(/^\d{1,40}(\.\d{1,20})?$/)
  .describe('One above what GET /api/services/nonce tells; each is spent once')
export const signature = z
  .string()
  .describe(
    'personal_sign over the 32 bytes of keccak256(message), as 65 bytes in hex; what the message is, is told above',
  )
export const expiration = z.string().regex(/^\d+$/).describe('Epoch seconds')
export const userdata = z.string().describe('JSON with the parameters the publisher asks for')

/** Signature and nonce where an `AuthToken` header may stand for the signature. */
export const signed = { nonce, signature: signature.optional() }
export const authTokenHeader = z.object({
  AuthToken: z.string().optional().describe('A token of /api/services/createAuthToken, in place of the signature'),
})
export const rangeHeader = { Range: z.string().optional().describe('bytes=first-last') }

const datasetSchema = z.object({
  documentId,
  serviceId,
  transferTxId,
  userdata: z.record(z.string(), z.unknown()).optional(),
})
const algorithmSchema = z
  .object({
    documentId: documentId.optional(),
    serviceId: serviceId.optional(),
    transferTxId: transferTxId.optional(),
    meta: z
      .object({ rawcode: z.string().optional(), url: z.string().optional(), container: containerSchema })
      .optional()
      .describe('Code sent along, for datasets that allow it'),
    algouserdata: z.record(z.string(), z.unknown()).optional(),
    algocustomdata: z.record(z.string(), z.unknown()).optional(),
  })
  .describe('A published algorithm by documentId, serviceId and transferTxId; or code in meta')

const outputSchema = z.union([
  hexBytesSchema,
  z.looseObject({
    encrypted: hexBytesSchema
      .optional()
      .describe(
        'Your own storage: {"remoteStorage": {"type": "s3", "endpoint", "region", "bucket", "prefix", "accessKeyId", ' +
          '"secretAccessKey", "forcePathStyle"} or {"type": "url", "url": a folder to PUT below, "headers"}, ' +
          '"keepsCopy", "owner"}, encrypted by POST /api/services/encrypt.',
      ),
    publishOutput: z.boolean().optional().describe('Make an asset of the outputs, where the environment does'),
    publishAlgorithmLog: z.boolean().optional().describe('The same of the algorithm’s log'),
  }),
])

const runSchema = z.object({
  environment: z.string().describe('Id of an environment; the orders must name it'),
  dataset: datasetSchema,
  additionalDatasets: z.array(datasetSchema).optional(),
  algorithm: algorithmSchema,
  output: outputSchema.optional(),
})
export const startSchema = runSchema.extend({ consumerAddress: address, ...signed })
export const explainSchema = runSchema
  .extend({
    dataset: datasetSchema.partial({ transferTxId: true }),
    additionalDatasets: z.array(datasetSchema.partial({ transferTxId: true })).optional(),
    consumerAddress: address,
    nonce: nonce.optional(),
    signature: signature.optional(),
    seconds: z.int().positive().optional().describe('For how long the price is asked'),
  })
  .partial({ environment: true })
export const quoteRequestSchema = z.object({
  datasets: z.array(datasetSchema.partial({ transferTxId: true })).min(1),
  algorithm: algorithmSchema,
  compute: z.object({ env: z.string(), validUntil: z.int().positive().describe('Epoch seconds') }),
  output: outputSchema.optional().describe('As for the start: an asset of the results may have a price'),
  consumerAddress: address,
})

export const rootSchema = providerRootSchema.extend({
  chainIds: z.array(z.int()),
  software: z.literal('Provider'),
  version: z.string(),
})
export const accessQuoteSchema = quoteSchema.extend({ nonce: z.string().nullish() })
export const computeQuoteSchema = z.object({ datasets: z.array(quoteSchema), algorithm: quoteSchema.optional() })
export const environmentsSchema = z.record(z.string(), z.array(environmentSchema)).describe('By chain id')
export const jobSchema = jobStatusAnswerSchema.partial({ agreementId: true, algoDID: true, inputDID: true })
export const explanationSchema = z.object({
  allowed: z.boolean(),
  rules: z.array(
    z.object({
      rule: z.string(),
      resource: z.string(),
      outcome: z.enum(['allow', 'deny', 'skipped']),
      sentence: z.string(),
      change: z.string().nullable(),
    }),
  ),
  price: z
    .object({
      chainId: z.int(),
      token: z.string(),
      amountWei: z.string(),
      assetWei: z.string().optional().describe('What of it is for the asset of the results'),
      seconds: z.number(),
      perMinute: z.number(),
    })
    .nullable(),
  queue: z.object({ waiting: z.int() }),
})

const validationErrorSchema = z
  .object({
    errors: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
    message: z.literal('Validation error'),
    success: z.literal(false),
  })
  .describe('Parameters or signature are not right, field by field')
const refusalSchema = z
  .object({ error: z.union([z.string(), z.record(z.string(), z.string())]) })
  .describe('A sentence; or, for compute jobs, the part of the request and the code of the rule that said no')
const failureSchema = z
  .object({ context: z.null(), error: z.string() })
  .describe('We, or something we depend on, cannot do it now; or there is no such path')
const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    error: z.union([z.string(), z.record(z.string(), z.string())]),
    fields: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  })
  .describe('RFC 9457: every error, where Accept asks for application/problem+json')

/** What each kind of error looks like. */
export const ERROR_SCHEMAS = {
  badRequest: z.union([validationErrorSchema, refusalSchema]),
  refusal: refusalSchema,
  failure: failureSchema,
  problem: problemSchema,
}

/** Schemas that are components of the document, by name. */
export const COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  Provider: rootSchema,
  ProviderFee: providerFeeSchema,
  Quote: quoteSchema,
  Environment: environmentSchema,
  FileInfo: fileInfoSchema,
  Container: containerSchema,
  Dataset: datasetSchema,
  Algorithm: algorithmSchema,
  StartRequest: startSchema,
  ExplainRequest: explainSchema,
  Explanation: explanationSchema,
  Job: jobSchema,
  ValidationError: validationErrorSchema,
  Refusal: refusalSchema,
  Failure: failureSchema,
  Problem: problemSchema,
}
