import { hexlify } from 'ethers'
import { dataNftInterface, factoryInterface } from './abi.ts'
import { checksumAddress } from './address.ts'
import { METADATA_FLAGS } from './metadata-event.ts'
import { parseLog, type RawLog } from './parse-log.ts'

const ZERO_ADDRESS = `0x${'0'.repeat(40)}`
const TEMPLATE = 1
const NFT_TOKEN_ID = 1
const UNCAPPED_WEI = 2n ** 256n - 1n

/**
 * Creates a data NFT with one datatoken.
 * @param asset.owner of the NFT for now
 * @param asset.minter who may mint datatokens, and is paid for orders
 */
export function encodeCreateAsset(asset: { name: string; symbol: string; owner: string; minter: string }): string {
  const minter = checksumAddress(asset.minter)
  return factoryInterface.encodeFunctionData('createNftWithErc20', [
    {
      name: asset.name,
      symbol: asset.symbol,
      templateIndex: TEMPLATE,
      tokenURI: '',
      transferable: true,
      owner: checksumAddress(asset.owner),
    },
    {
      templateIndex: TEMPLATE,
      strings: [asset.name, asset.symbol],
      addresses: [minter, minter, ZERO_ADDRESS, ZERO_ADDRESS],
      uints: [UNCAPPED_WEI, 0n],
      bytess: [],
    },
  ])
}

/**
 * What a creation made: only what the factory itself says counts.
 * @returns null where it made none
 */
export function readCreatedAsset(
  logs: readonly RawLog[],
  factoryAddress: string,
): { nft: string; datatoken: string } | null {
  const factory = checksumAddress(factoryAddress)
  const created = (name: string): string | undefined => {
    for (const log of logs) {
      const event = log.address === factory ? parseLog(factoryInterface, log) : null
      if (event?.name === name) return String(event.args.newTokenAddress)
    }
    return undefined
  }
  const [nft, datatoken] = [created('NFTCreated'), created('TokenCreated')]
  return nft && datatoken ? { nft, datatoken } : null
}

/**
 * Publishes a document, active, encrypted to the key of the provider that its decryptor is.
 * @param metadata.hash SHA-256 of the document, hex without 0x
 */
export function encodeSetMetadata(metadata: { decryptorUrl: string; encrypted: string; hash: string }): string {
  return dataNftInterface.encodeFunctionData('setMetaData', [
    0,
    metadata.decryptorUrl,
    '',
    hexlify(Uint8Array.of(METADATA_FLAGS.encrypted)),
    metadata.encrypted,
    `0x${metadata.hash}`,
    [],
  ])
}

/** Hands a data NFT over. */
export function encodeTransferNft(transfer: { from: string; to: string }): string {
  return dataNftInterface.encodeFunctionData('transferFrom', [
    checksumAddress(transfer.from),
    checksumAddress(transfer.to),
    NFT_TOKEN_ID,
  ])
}
