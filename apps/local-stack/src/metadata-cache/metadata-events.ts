import { Interface, type Log } from 'ethers'

const abi = new Interface([
  'event MetadataCreated(address indexed createdBy, uint8 state, string decryptorUrl, bytes flags, bytes data, bytes32 metaDataHash, uint256 timestamp, uint256 blockNumber)',
  'event MetadataUpdated(address indexed updatedBy, uint8 state, string decryptorUrl, bytes flags, bytes data, bytes32 metaDataHash, uint256 timestamp, uint256 blockNumber)',
  'event MetadataState(address indexed updatedBy, uint8 state, uint256 timestamp, uint256 blockNumber)',
  'event OrderStarted(address indexed consumer, address payer, uint256 amount, uint256 serviceIndex, uint256 timestamp, address indexed publishMarketAddress, uint256 blockNumber)',
])

/** The log filter for everything `parseEvent` knows (reference: local chain §4). */
export const EVENT_TOPICS: string[][] = [
  ['MetadataCreated', 'MetadataUpdated', 'MetadataState', 'OrderStarted'].map((name) => topicOf(name)),
]

/** A data NFT's document was published, or published anew. */
export interface DocumentEvent {
  readonly kind: 'document'
  readonly nftAddress: string
  /** Who sent it. */
  readonly from: string
  readonly state: number
  /** Bit 0: compressed, bit 1: encrypted. */
  readonly flags: number
  /** Hex of the document as it was published. */
  readonly data: string
  /** `0x` and the SHA-256 of the plain document. */
  readonly hash: string
  readonly transactionId: string
  readonly block: number
  readonly timestampSeconds: number
}

/** A data NFT's state was set. */
export interface StateEvent {
  readonly kind: 'state'
  readonly nftAddress: string
  readonly state: number
}

/** A datatoken was spent on an order. */
export interface OrderEvent {
  readonly kind: 'order'
  readonly datatokenAddress: string
}

/** Reads one log; undefined for anything that is none of ours. Anyone can emit look-alikes: check the contract. */
export function parseEvent(log: Log): DocumentEvent | StateEvent | OrderEvent | undefined {
  const event = abi.parseLog(log)
  if (!event) return undefined
  const { args, name } = event
  if (name === 'OrderStarted') return { kind: 'order', datatokenAddress: log.address }
  const state = Number(args['state'])
  if (name === 'MetadataState') return { kind: 'state', nftAddress: log.address, state }
  return {
    kind: 'document',
    nftAddress: log.address,
    from: String(args[0]),
    state,
    flags: parseFlags(String(args['flags'])),
    data: String(args['data']),
    hash: String(args['metaDataHash']),
    transactionId: log.transactionHash,
    block: log.blockNumber,
    timestampSeconds: Number(args['timestamp']),
  }
}

/** `flags` is a byte string of which one byte has a meaning; empty means plain. */
function parseFlags(hex: string): number {
  return hex === '0x' ? 0 : parseInt(hex.slice(2, 4), 16)
}

function topicOf(name: string): string {
  const event = abi.getEvent(name)
  if (!event) throw new Error(`no event ${name}`)
  return event.topicHash
}
