import type { DocumentEvent } from './metadata-events.ts'

/** What the cache knows of an asset beside its document. */
export interface AssetFacts {
  readonly nft: {
    readonly address: string
    readonly name: string
    readonly symbol: string
    readonly tokenURI: string
    readonly owner: string
    readonly state: number
    /** ISO time of the first publication. */
    readonly created: string
  }
  readonly datatokens: readonly { address: string; name: string; symbol: string; serviceId: string }[]
  readonly event: {
    readonly txid: string
    readonly block: number
    readonly from: string
    readonly contract: string
    readonly datetime: string
  }
  readonly stats: {
    readonly orders: number
    /** Whole tokens for one datatoken; 0 where no exchange sells it. */
    readonly price: { value: number; tokenAddress?: string; tokenSymbol?: string }
  }
}

/**
 * The answer for an asset: the document with the cache's members appended. The document's own text is kept as it is,
 * character by character, since its hash stands on chain.
 * @param documentText the JSON text of an object with at least one member
 */
export function buildAssetText(documentText: string, facts: AssetFacts): string {
  const own = documentText.trimEnd().slice(0, -1)
  return `${own},${JSON.stringify(facts).slice(1)}`
}

/** The cache's view of the transaction that published a document. */
export function buildEventFacts(event: DocumentEvent): AssetFacts['event'] {
  return {
    txid: event.transactionId,
    block: event.block,
    from: event.from,
    contract: event.nftAddress,
    datetime: isoTime(event.timestampSeconds),
  }
}

/** Epoch seconds as the reference writes times: UTC, whole seconds, no zone. */
export function isoTime(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().slice(0, 19)
}
