import { checksumAddress } from './address.ts'
import { sha256Hex } from './sha256-hex.ts'

/**
 * The DID of an asset: `did:op:` and the SHA-256 of its checksummed NFT address and chain id (provider-http-api §6.1).
 * @throws AppError InvalidRequest when the NFT address is no address
 */
export function computeDid(nftAddress: string, chainId: number): string {
  return `did:op:${sha256Hex(`${checksumAddress(nftAddress)}${chainId}`)}`
}
