import {
  address,
  integer,
  numeric,
  required,
  requiredWith,
  requiredWithAll,
  requiredWithout,
  type FieldRule,
} from './field-rules.ts'

// What each compute route asks for, in the order it complains (provider-http-api §1.7).

const ALGORITHM: FieldRule[] = [
  {
    field: 'algorithm.documentId',
    rules: [requiredWithout('algorithm.meta'), requiredWithAll('algorithm.serviceId', 'algorithm.transferTxId')],
  },
  { field: 'algorithm.meta', rules: [requiredWithout('algorithm.documentId')] },
]

/** `POST /initializeCompute`. */
export const QUOTE_FIELDS: FieldRule[] = [
  { field: 'datasets', rules: [required] },
  ...ALGORITHM,
  { field: 'compute.env', rules: [required] },
  { field: 'compute.validUntil', rules: [required, integer] },
  { field: 'consumerAddress', rules: [required, address] },
]

/** `POST /compute/explain`: orders and signature may come later. */
export const EXPLAIN_FIELDS: FieldRule[] = [
  { field: 'dataset.documentId', bail: true, rules: [required] },
  { field: 'dataset.serviceId', bail: true, rules: [required] },
  { field: 'algorithm.documentId', rules: [requiredWithout('algorithm.meta')] },
  { field: 'algorithm.meta', rules: [requiredWithout('algorithm.documentId')] },
  { field: 'consumerAddress', bail: true, rules: [required, address] },
  { field: 'nonce', bail: true, rules: [requiredWith('signature'), numeric] },
  { field: 'seconds', rules: [integer] },
]

/** `POST /compute`. */
export const START_FIELDS: FieldRule[] = [
  { field: 'dataset.documentId', bail: true, rules: [required] },
  { field: 'dataset.serviceId', bail: true, rules: [required] },
  { field: 'dataset.transferTxId', rules: [required] },
  ...ALGORITHM,
  { field: 'consumerAddress', bail: true, rules: [required, address] },
  { field: 'nonce', bail: true, rules: [required, numeric] },
]

/** `GET /compute`; a nonce may be missing, clients exist that sign one without sending it. */
export const JOB_FIELDS: FieldRule[] = [
  { field: 'consumerAddress', bail: true, rules: [required, address] },
  { field: 'nonce', bail: true, rules: [numeric] },
]

/** `PUT` and `DELETE /compute`: one job, never all of an owner's. */
export const END_FIELDS: FieldRule[] = [...JOB_FIELDS, { field: 'jobId', rules: [required] }]

/** `GET /compute/events` and `GET /compute/logs`: one job, and always signed. */
export const STREAM_FIELDS: FieldRule[] = [
  { field: 'jobId', bail: true, rules: [required] },
  { field: 'consumerAddress', bail: true, rules: [required, address] },
  { field: 'nonce', bail: true, rules: [required, numeric] },
]

/** `GET /computeResult`. */
export const RESULT_FIELDS: FieldRule[] = [
  { field: 'jobId', bail: true, rules: [required] },
  { field: 'index', bail: true, rules: [required] },
  { field: 'consumerAddress', bail: true, rules: [required, address] },
  { field: 'nonce', bail: true, rules: [required, numeric] },
]
