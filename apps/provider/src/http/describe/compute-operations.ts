import { ownedProofSchema } from '@c2d/contracts'
import type { RouteDoc } from '@c2d/http-kit'
import { z } from 'zod'
import { FORBIDDEN, MISSING, operation } from './operation.ts'
import {
  address,
  authTokenHeader,
  computeQuoteSchema,
  documentId,
  environmentsSchema,
  explainSchema,
  explanationSchema,
  jobId,
  jobSchema,
  nonce,
  quoteRequestSchema,
  rangeHeader,
  signature,
  signed,
  startSchema,
} from './schemas.ts'

const SIGNED_JOB = 'Signed: `consumerAddress + jobId + documentId + nonce`; what is not sent is left out.'
const jobs = { description: 'The jobs', schema: z.array(jobSchema) }
const file = { description: 'The bytes, or the range that was asked for', contentType: 'application/octet-stream' }
const jobQuery = z.object({
  consumerAddress: address,
  jobId: jobId.optional(),
  documentId: documentId.optional(),
  agreementId: z.string().optional(),
  nonce: nonce.optional(),
  signature: signature.optional(),
})
const endQuery = jobQuery.required({ jobId: true })
const streamQuery = z.object({
  consumerAddress: address,
  jobId,
  documentId: documentId.optional(),
  ...signed,
})

/** Environments, quotes, jobs and their results. */
export const COMPUTE_OPERATIONS: readonly RouteDoc[] = [
  operation('computeEnvironments', 'Where jobs can run', {
    tags: ['compute'],
    responses: { '200': { description: 'Environments', schema: environmentsSchema }, '404': MISSING },
  }),
  operation('initializeCompute', 'What to order and pay for a run', {
    tags: ['compute'],
    body: { schema: quoteRequestSchema },
    responses: {
      '200': { description: 'One quote for each dataset and for the algorithm', schema: computeQuoteSchema },
    },
  }),
  operation('computeStart', 'Start a job', {
    tags: ['compute'],
    description: 'Signed: `consumerAddress + dataset.documentId + nonce`.',
    headers: authTokenHeader,
    body: { schema: startSchema },
    responses: { '200': jobs, '403': FORBIDDEN, '404': MISSING },
  }),
  operation('computeExplain', 'What a start would say, rule by rule', {
    tags: ['compute'],
    description: 'Starts nothing and spends no nonce. Orders are judged for those who sign as for the start.',
    body: { schema: explainSchema },
    responses: { '200': { description: 'Every rule with its verdict', schema: explanationSchema }, '404': MISSING },
  }),
  operation('computeStatus', 'How far jobs are', {
    tags: ['compute'],
    description: `Unsigned: how far they are. Signed: everything about them. ${SIGNED_JOB}`,
    headers: authTokenHeader,
    query: jobQuery,
    responses: { '200': jobs, '404': MISSING },
  }),
  operation('computeStop', 'Stop jobs', {
    tags: ['compute'],
    description: SIGNED_JOB,
    headers: authTokenHeader,
    query: endQuery,
    responses: { '200': jobs, '403': FORBIDDEN, '404': MISSING },
  }),
  operation('computeDelete', 'Delete jobs', {
    tags: ['compute'],
    description: SIGNED_JOB,
    headers: authTokenHeader,
    query: endQuery,
    responses: { '200': { description: 'Done', schema: z.unknown() }, '403': FORBIDDEN, '404': MISSING },
  }),
  operation('computeEvents', 'Follow a job', {
    tags: ['compute'],
    description: `Server-sent events: first what happened, then what happens, and \`end\` at its end. ${SIGNED_JOB}`,
    headers: authTokenHeader.extend({ 'Last-Event-ID': z.string().optional().describe('Events after this one only') }),
    query: streamQuery.extend({
      until: z
        .enum(['finished', 'settled'])
        .optional()
        .describe('`settled`: also what comes after the end, proof, anchors and asset; for ten minutes at most'),
    }),
    responses: {
      '200': { description: 'Events', contentType: 'text/event-stream', schema: z.string() },
      '404': MISSING,
    },
  }),
  operation('computeLogs', 'What the algorithm of a job prints', {
    tags: ['compute'],
    description: `Live while it runs, then the stored log. ${SIGNED_JOB}`,
    headers: authTokenHeader.extend(rangeHeader),
    query: streamQuery,
    responses: { '200': { description: 'The log', contentType: 'text/plain', schema: z.string() }, '404': MISSING },
  }),
  operation('computeProof', 'What the operator signed of a job that ended', {
    tags: ['compute'],
    description:
      'An in-toto statement in a DSSE envelope, for the consumer and the owners of its datasets. Owners who have file ' +
      `hashes salted get their salts beside it. ${SIGNED_JOB}`,
    headers: authTokenHeader,
    query: streamQuery,
    responses: { '200': { description: 'The proof', schema: ownedProofSchema }, '404': MISSING },
  }),
  operation('computeResult', 'One result of a job', {
    tags: ['compute'],
    description: 'Signed: `consumerAddress + jobId + index + nonce`.',
    headers: authTokenHeader.extend(rangeHeader),
    query: z.object({
      consumerAddress: address,
      jobId,
      index: z.string().regex(/^\d+$/).describe('Position in `results`, from 0'),
      ...signed,
    }),
    responses: { '200': file, '206': file, '404': MISSING },
  }),
]
