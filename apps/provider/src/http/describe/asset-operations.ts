import { containerSchema, fileInfoListSchema } from '@c2d/contracts'
import type { RouteDoc } from '@c2d/http-kit'
import { z } from 'zod'
import { FORBIDDEN, operation } from './operation.ts'
import {
  accessQuoteSchema,
  address,
  authTokenHeader,
  documentId,
  expiration,
  nonce,
  rangeHeader,
  serviceId,
  signature,
  signed,
  transferTxId,
  userdata,
} from './schemas.ts'

const file = { description: 'The file, or the range that was asked for', contentType: 'application/octet-stream' }

/** Nonces and tokens, encryption, files and downloads. */
export const ASSET_OPERATIONS: readonly RouteDoc[] = [
  operation('nonce', 'The last nonce of an address', {
    tags: ['signing'],
    query: z.object({ userAddress: address }),
    responses: {
      '200': { description: 'As text: nonces are larger than a double', schema: z.object({ nonce: z.string() }) },
    },
  }),
  operation('create_auth_token', 'A token that stands for signatures', {
    tags: ['signing'],
    description: 'Signed: `address + expiration + nonce`. The nonce is spent.',
    query: z.object({ address, expiration, nonce, signature }),
    responses: { '200': { description: 'The token', schema: z.object({ token: z.string() }) } },
  }),
  operation('delete_auth_token', 'Take a token back, for good', {
    tags: ['signing'],
    description: 'Signed: `address + nonce`, or `address + token + nonce`. The nonce is spent.',
    body: { schema: z.object({ address, token: z.string(), nonce, signature }) },
    responses: { '200': { description: 'It counts no longer', schema: z.object({ success: z.string() }) } },
  }),
  operation('encrypt', 'Encrypt to the key of this provider', {
    tags: ['publishing'],
    query: z.object({ chainId: z.string() }),
    body: { contentType: 'application/octet-stream', schema: z.string().describe('Any bytes') },
    responses: { '201': { description: '0x and hex', contentType: 'text/plain', schema: z.string() } },
  }),
  operation('decrypt', 'A published document', {
    tags: ['publishing'],
    description:
      'By `transactionId`; or by `encryptedDocument`, `flags` and `documentHash`. Signed: ' +
      '`(transactionId or dataNftAddress) + decrypterAddress + chainId + nonce`.',
    headers: authTokenHeader,
    body: {
      schema: z.object({
        decrypterAddress: address,
        chainId: z.int(),
        dataNftAddress: address,
        transactionId: transferTxId.describe('The transaction that published the metadata').optional(),
        encryptedDocument: z.string().optional(),
        flags: z.int().optional(),
        documentHash: z.string().optional(),
        ...signed,
      }),
    },
    responses: {
      '201': { description: 'The document', contentType: 'text/plain', schema: z.string() },
      '403': FORBIDDEN,
    },
  }),
  operation('fileinfo', 'Whether files can be had, and what they are', {
    tags: ['files'],
    description: 'Of an asset’s service, by `did` and `serviceId`; or of one file object, by its own members.',
    body: {
      schema: z.looseObject({
        did: documentId.optional(),
        serviceId: serviceId.optional(),
        type: z.string().optional(),
        checksum: z.boolean().optional(),
      }),
    },
    responses: { '200': { description: 'One entry a file', schema: fileInfoListSchema } },
  }),
  operation('initialize', 'What to order and pay for an access', {
    tags: ['files'],
    query: z.object({
      documentId,
      serviceId,
      consumerAddress: address,
      fileIndex: z.string().optional(),
      transferTxId: transferTxId.optional(),
      userdata: userdata.optional(),
    }),
    responses: {
      '200': { description: 'A quote, or an order that is still good', schema: accessQuoteSchema },
      '403': FORBIDDEN,
    },
  }),
  operation('download', 'One file of an ordered service', {
    tags: ['files'],
    description: 'Signed: `documentId + nonce`.',
    query: z.object({
      documentId,
      serviceId,
      transferTxId,
      consumerAddress: address,
      fileIndex: z.string().regex(/^\d+$/),
      userdata: userdata.optional(),
      ...signed,
    }),
    headers: authTokenHeader.extend(rangeHeader),
    responses: { '200': file, '206': file, '403': FORBIDDEN },
  }),
  operation('validateContainer', 'Whether a container section would be accepted', {
    tags: ['publishing'],
    body: { schema: containerSchema },
    responses: { '200': { description: 'The section, as it was sent', schema: containerSchema } },
  }),
]
