export { DATA_NFT_ABI, DATATOKEN_ABI, FACTORY_ABI } from './abi.ts'
export { addressOf, checksumAddress, publicKeyOf } from './address.ts'
export { createChainClient, type ChainClient, type ChainClientOptions } from './chain-client.ts'
export type { ContractSignature } from './contract-signature.ts'
export { decompressDocument } from './decompress-document.ts'
export { encodeCreateAsset, encodeSetMetadata, encodeTransferNft, readCreatedAsset } from './asset-publishing.ts'
export { computeDid } from './did.ts'
export { eciesDecrypt, eciesEncrypt } from './ecies.ts'
export { messageDigest, recoverSigner, signMessage } from './message-signature.ts'
export { METADATA_FLAGS } from './metadata-event.ts'
export type { OnChainMetadata } from './metadata-reader.ts'
export type { ListedNft } from './nft-list.ts'
export { createOrderProofSender, encodeOrderProof, type OrderProof, type OrderProofSender } from './order-proof.ts'
export type { OrderExecution } from './order-execution.ts'
export type { FeeEvent, OrderEvent, OrderReceipt, ReuseEvent } from './order-receipt.ts'
export { buildProviderFee, isFeeSignedBy, type ProviderFeeTerms } from './provider-fee.ts'
export type { ChainCall } from './rpc-endpoint.ts'
export { sha256Hex } from './sha256-hex.ts'
export { recoverTextSigner, signText, textDigest } from './text-signature.ts'
export {
  createChainWallet,
  type ChainWallet,
  type MinedOutcome,
  type SignedTransaction,
  type TransactionCall,
} from './wallet.ts'
export type { ViewCall } from './view-call.ts'
