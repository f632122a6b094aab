import { derivedAssetWishSchema, isSameAddress, type DerivedAsset } from '@c2d/contracts'
import { deny, type DocketSection } from './docket.ts'
import type { DatasetCase } from './judge-dataset.ts'
import type { RunTerms } from './run-terms.ts'

/** What the rule is judged by. */
export interface DerivedAssetCase {
  /** As sent. */
  output: unknown
  consumerAddress: string
  datasets: readonly (DatasetCase | null)[]
  chainId: number | null
  /** Of the environment; null where it is not known yet. */
  terms: Pick<RunTerms, 'derivedAssets'> | null
}

/**
 * Whether the results may become an asset of the consumer's, where that is asked for (docs/adr/0012). An environment that
 * makes none leaves the wish alone, as every provider did since 2022.
 * @returns what the engine is to make of the results; null where nothing is asked for, or the rule says no
 */
export function judgeDerivedAsset(asked: DerivedAssetCase, section: DocketSection): DerivedAsset | null {
  const refuse = (code: string, sentence: string, change?: string): null =>
    section.judge<never>('output-asset', deny(code, { sentence, ...(change === undefined ? {} : { change }) }))
  if (!wantsDerivedAsset(asked.output)) {
    section.judge('output-asset', 'not asked for')
    return null
  }
  if (!asked.terms) return null
  const offer = asked.terms.derivedAssets
  if (offer === null) {
    section.skip('output-asset', 'This environment makes no assets of results: the wish is left alone.')
    return null
  }
  const wish = derivedAssetWishSchema.safeParse(membersOf(asked.output))
  if (!wish.success) {
    return refuse(
      'invalid',
      `The wish for an asset is not valid: ${wish.error.issues[0]?.path.join('.') ?? 'all of it'}.`,
    )
  }
  const { owner = asked.consumerAddress, whitelist, metadata, publishOutput, publishAlgorithmLog } = wish.data
  if (!isSameAddress(owner, asked.consumerAddress)) {
    return refuse('not_yours', 'An asset of results belongs to the consumer of the job.', 'Leave owner out.')
  }
  const forbids = asked.datasets.some((dataset) => dataset?.target.service.compute?.allowDerivedAssets === false)
  if (forbids) return refuse('forbidden', 'The owner of a dataset forbids assets of what is computed on it.')
  if (asked.chainId === null || !offer.chains.includes(asked.chainId)) {
    return refuse('no_funds', 'The operator cannot pay for an asset on this chain now.', 'Try again later.')
  }
  if (offer.freeBytes <= 0) return refuse('storage_full', 'The operator’s storage for assets is full.')
  const endpoint = asked.datasets.find((dataset) => dataset?.host.kind === 'us')?.target.service.serviceEndpoint
  if (endpoint === undefined) return refuse('no_provider', 'No dataset of the job is at this provider.')
  const { main, ...described } = metadata ?? {}
  return section.judge('output-asset', {
    outputs: publishOutput,
    log: publishAlgorithmLog,
    owner,
    whitelist: whitelist ?? [],
    metadata: { ...main, ...described },
    serviceEndpoint: endpoint,
  })
}

/** Whether what is sent as `output` asks for an asset at all. */
export function wantsDerivedAsset(output: unknown): boolean {
  const members = membersOf(output)
  return isSet(members['publishOutput']) || isSet(members['publishAlgorithmLog'])
}

function membersOf(output: unknown): Record<string, unknown> {
  const value = typeof output === 'string' ? parseJson(output) : output
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** Whether a flag asks for something; one that is malformed does, and is refused as what it is. */
function isSet(flag: unknown): boolean {
  return !(flag === undefined || flag === null || flag === false || flag === 0 || flag === '0' || flag === 'false')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // hex, or nothing: no wish of this kind
  }
}
