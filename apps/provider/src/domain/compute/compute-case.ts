import type { ComputeAlgorithm, ComputeDataset, StartEvidence } from '@c2d/contracts'

/** What is to be run, on what, for whom. */
export interface ComputeCase {
  consumerAddress: string
  environment: string
  dataset: ComputeDataset
  /** As sent; falsy is none. */
  additionalDatasets: unknown
  algorithm: ComputeAlgorithm
  output: unknown
  /** What the consumer signed to start it; absent for a token, and where nothing is started. */
  consent?: StartEvidence['consent']
}

/** How far a request is judged. */
export interface EvaluationMode {
  /**
   * What of orders, environment and fees: `required` at a start; `optional` before one, for a caller who signed;
   * `hidden` before one, for anybody; null for quotes, which come before all of these.
   */
  orders: 'required' | 'optional' | 'hidden' | null
  /** Milliseconds to wait for an order that is not on chain yet. */
  orderTimeoutMs: number
  /** Whether the first refusal ends it: then nothing more expensive is looked at. */
  stopsAtDeny: boolean
}
