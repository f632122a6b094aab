import {
  OPERATOR_BASE_PATH,
  environmentSchema,
  fileSaltListSchema,
  jobEventSchema,
  jobIdSchema,
  jobResultSchema,
  jobStatusAnswerSchema,
  nonceTextSchema,
  proofEnvelopeSchema,
  RESULT_TOKEN_HEADER,
  startJobRequestSchema,
} from '@c2d/contracts'
import type { BodyDoc, RouteDoc } from '@c2d/http-kit'
import { z } from 'zod'

const statusSchema = jobStatusAnswerSchema.extend({
  queuePosition: z
    .int()
    .positive()
    .nullable()
    .describe('Place in the queue of the environment, from 1; null at work, ended, or not ranked yet'),
})
const errorSchema = z.object({ error: z.string() })
const runningJobSchema = z.object({
  agreementId: z.string().describe('Empty for callers who do not sign, as are owner and assets'),
  jobId: jobIdSchema,
  owner: z.string(),
  status: z.int(),
  statusText: z.string(),
  dateCreated: z.string(),
  namespace: z.string(),
  algoDID: z.string(),
  inputDID: z.array(z.string()),
})

/** Schemas that are components of the document, by name. */
export const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  StartRequest: startJobRequestSchema,
  JobStatus: statusSchema,
  JobEvent: jobEventSchema,
  JobResult: jobResultSchema,
  Environment: environmentSchema,
  Proof: proofEnvelopeSchema,
  RunningJob: runningJobSchema,
  Error: errorSchema,
}

const signature = {
  nonce: nonceTextSchema.describe('A number that grows; passes once'),
  providerSignature: z.string().describe('65 bytes in hex'),
}
const owner = z.string().describe('Address of the consumer')
const selector = z.object({
  owner: owner.optional(),
  agreementId: z.string().optional(),
  jobId: z.string().optional(),
  ...signature,
})
const ownSignature = z.object({ owner, ...signature })
const untilSchema = z
  .enum(['finished', 'settled'])
  .optional()
  .describe('`settled`: also what comes after the end, proof, anchors and asset; for ten minutes at most')
const admin = z.object({ Admin: z.string().describe('A secret of ALLOWED_ADMINS') })

const refused: BodyDoc & { description: string } = { description: 'Refused, with the reason', schema: errorSchema }
const refusals = { '400': refused, '401': { ...refused, description: 'The signer is not allowed' } }
const missing = { '404': { ...refused, description: 'There is no such thing, or not for this owner' } }
const statuses = { '200': { description: 'The jobs, newest first', schema: z.array(statusSchema) }, ...refusals }
const file = { description: 'The file', contentType: 'application/octet-stream' }

/** Every operation of the service. */
export const ROUTE_DOCS: readonly RouteDoc[] = [
  operation('post', '/compute', 'Start a job', ['jobs'], {
    body: { schema: startJobRequestSchema },
    responses: { ...statuses, '413': { ...refused, description: 'The body is too large' } },
  }),
  operation('get', '/compute', 'Status of jobs', ['jobs'], { query: selector, responses: statuses }),
  operation('put', '/compute', 'Ask jobs to stop', ['jobs'], { query: selector, responses: statuses }),
  operation('delete', '/compute', 'Does nothing', ['jobs'], {
    deprecated: true,
    responses: { '200': { description: 'An empty text', schema: z.literal('') } },
  }),
  operation('get', '/getResult', 'One result file, or a range of it', ['results'], {
    query: z.object({ owner, jobId: jobIdSchema, index: z.string().describe('Position in `results`'), ...signature }),
    headers: z.object({
      Range: z.string().optional(),
      'If-Range': z.string().optional(),
      'If-None-Match': z.string().optional(),
    }),
    responses: {
      '200': file,
      '206': { ...file, description: 'The range' },
      '304': { description: 'It is the file the caller has' },
      ...refusals,
      ...missing,
      '416': { ...refused, description: 'The range lies outside the file' },
    },
  }),
  operation('get', '/jobs/:jobId/events', 'What happens to a job, as it happens', ['jobs'], {
    description:
      'Server-sent events: one a line of the timeline, then `end` with the status. Parameters may be sent as the ' +
      'headers `X-Owner`, `X-Nonce` and `X-Provider-Signature` instead. Who comes back signs anew.',
    params: z.object({ jobId: jobIdSchema }),
    query: ownSignature.extend({ until: untilSchema }),
    headers: z.object({ 'Last-Event-ID': z.string().optional() }),
    responses: {
      '200': { description: 'A stream of events', schema: jobEventSchema, contentType: 'text/event-stream' },
      ...refusals,
      ...missing,
      '429': { ...refused, description: 'Too many streams are open' },
    },
  }),
  operation('get', '/jobs/:jobId/logs', 'The log of the algorithm, live while it runs', ['jobs'], {
    params: z.object({ jobId: jobIdSchema }),
    query: ownSignature,
    responses: {
      '200': { description: 'The log', contentType: 'text/plain' },
      ...refusals,
      ...missing,
      '503': { ...refused, description: 'The engine that holds the job does not answer' },
    },
  }),
  operation('get', '/jobs/:jobId/proof', 'What was signed of a job that ended', ['jobs'], {
    description: 'An in-toto statement in a DSSE envelope. The owner in the signature is empty.',
    params: z.object({ jobId: jobIdSchema }),
    query: z.object(signature),
    responses: { '200': { description: 'The proof', schema: proofEnvelopeSchema }, ...refusals, ...missing },
  }),
  operation('get', '/jobs/:jobId/salts', 'The salts of a proof', ['jobs'], {
    description:
      'Of datasets whose owners let proofs tell salted file hashes only: each is for its owner. The owner in the ' +
      'signature is empty.',
    params: z.object({ jobId: jobIdSchema }),
    query: z.object(signature),
    responses: { '200': { description: 'By dataset', schema: fileSaltListSchema }, ...refusals, ...missing },
  }),
  operation('get', '/jobs/:jobId/published', 'A result that became a file of an asset', ['results'], {
    description: 'The owner in the signature is empty.',
    params: z.object({ jobId: jobIdSchema }),
    query: z.object({ index: z.string().describe('Position in `results`'), ...signature }),
    headers: z.object({ [RESULT_TOKEN_HEADER]: z.string(), Range: z.string().optional() }),
    responses: { '200': file, '206': { ...file, description: 'The range' }, ...refusals, ...missing },
  }),
  operation('get', '/environments', 'Environments that were seen lately', ['environments'], {
    query: z.object({ chainId: z.string().optional(), chain_id: z.string().optional() }),
    responses: { '200': { description: 'Environments', schema: z.array(environmentSchema) }, '400': refused },
  }),
  operation('get', '/runningjobs', 'Every unfinished job', ['jobs'], {
    query: z.object(signature).partial(),
    responses: { '200': { description: 'Jobs', schema: z.array(runningJobSchema) }, ...refusals },
  }),
  operation('post', '/pgsqlinit', 'Bring the database to the schema of this build', ['admin'], adminOperation()),
  operation('get', '/list', 'Every unfinished job, with who holds it', ['admin'], adminOperation()),
  operation('get', '/info', 'One job, with who holds it', ['admin'], {
    ...adminOperation(),
    query: z.object({ jobId: jobIdSchema }),
  }),
  operation('get', '/logs', 'A stored log of one step', ['admin'], {
    ...adminOperation(),
    query: z.object({ jobId: jobIdSchema, component: z.string().optional() }),
  }),
]

function operation(
  method: RouteDoc['method'],
  path: string,
  summary: string,
  tags: readonly string[],
  rest: Omit<RouteDoc, 'method' | 'path' | 'summary' | 'tags'>,
): RouteDoc {
  return { method, path: OPERATOR_BASE_PATH + path, summary, tags, ...rest }
}

function adminOperation(): Pick<RouteDoc, 'headers' | 'responses'> {
  const text = (description: string) => ({ description, contentType: 'text/plain' })
  return {
    headers: admin,
    responses: {
      '200': { description: 'Done' },
      '400': text('The header is empty'),
      '401': text('The secret is not known'),
      ...missing,
      '429': { ...refused, description: 'Too many calls' },
    },
  }
}
