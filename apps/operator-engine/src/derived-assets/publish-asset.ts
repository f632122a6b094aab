import {
  computeDid,
  encodeCreateAsset,
  encodeSetMetadata,
  encodeTransferNft,
  readCreatedAsset,
  sha256Hex,
  type TransactionCall,
} from '@c2d/chain'
import type { DerivedAsset, ProofStatement, ResultFile } from '@c2d/contracts'
import type { GuardedFetch } from '@c2d/http-kit'
import { loadTransaction } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import type { OperatorWallet } from '../transactions/operator-wallet.ts'
import { sendOnce } from '../transactions/send-once.ts'
import { buildDdo } from './build-ddo.ts'
import type { ChosenResult } from './choose-results.ts'
import { encryptToProvider } from './provider-encryption.ts'

/** An asset to publish, and all that goes into it. */
export interface AssetToPublish {
  jobId: string
  chainId: number
  wish: DerivedAsset
  results: readonly ChosenResult[]
  resultToken: string
  proof: { statement: ProofStatement; sha256: string }
}

/** How far an asset is. */
export type PublishOutcome =
  | { state: 'waiting'; note: string }
  | { state: 'refused'; note: string }
  | { state: 'published'; did: string; nft: string; datatoken: string; transactions: Record<Step, string> }

type Step = 'create' | 'describe' | 'transfer'

interface AssetTokens {
  nft: string
  datatoken: string
}

const ZERO_ADDRESS = `0x${'0'.repeat(40)}`
/** Of a document, as call data and in the log (local-chain-and-contracts §4.2). */
const GAS_PER_BYTE = 37n
const NFT_NAME = 'Derived data'
const NFT_SYMBOL = 'DERIVED'

/**
 * Takes an asset one step further: its tokens, its document, its new owner. Each step is one transaction that happens
 * once; whoever comes after a crash finds it and goes on from there.
 */
export async function publishAsset(
  asset: AssetToPublish,
  deps: { db: Database; fetch: GuardedFetch; operator: OperatorWallet & { factoryAddress: string } },
): Promise<PublishOutcome> {
  const { jobId, chainId, wish } = asset
  const { db, fetch, operator } = deps
  const { wallet, maxGas, factoryAddress } = operator
  const hashes: Partial<Record<Step, string>> = {}

  const take = async (step: Step, call: () => Promise<TransactionCall> | TransactionCall) => {
    const sent = await sendOnce({ purpose: `asset ${jobId} ${step}`, jobId, call }, { maxGas }, { db, wallet })
    if (sent.state === 'refused')
      return refused(`${step}: it ${sent.why === 'gas' ? 'would cost too much' : 'reverts'}`)
    if (sent.state === 'reverted') return refused(`${step}: it was reverted`)
    if (sent.state === 'sent') return { state: 'waiting', note: `${step}: sent` } as const
    hashes[step] = sent.transaction.hashes[0] ?? ''
    return null
  }

  // Before the tokens are made: an asset without a document would be the operator's for good.
  if (leastGas(asset) > maxGas && !(await loadTransaction(db, `asset ${jobId} create`))) {
    return refused('describe: it would cost too much, as so many files make a long document')
  }
  const create = { name: NFT_NAME, symbol: NFT_SYMBOL, owner: wallet.address, minter: wish.owner }
  const created = await take('create', () => ({ to: factoryAddress, data: encodeCreateAsset(create) }))
  if (created) return created
  const mined = await wallet.findMined([hashes.create ?? ''])
  const tokens = mined && readCreatedAsset(mined.logs, factoryAddress)
  if (!tokens) return { state: 'waiting', note: 'create: the chain does not show what was created' }
  const { nft, datatoken } = tokens

  const described = await take('describe', async () => {
    const place = { serviceEndpoint: wish.serviceEndpoint, chainId }
    const files = await encryptToProvider(buildFiles(asset, tokens), place, fetch)
    const document = JSON.stringify(buildDdo(wish, { chainId, ...tokens, files }, asset.proof))
    const encrypted = await encryptToProvider(document, place, fetch)
    const data = encodeSetMetadata({ decryptorUrl: wish.serviceEndpoint, encrypted, hash: sha256Hex(document) })
    return { to: nft, data }
  })
  if (described) return described

  const transferred = await take('transfer', () => ({
    to: nft,
    data: encodeTransferNft({ from: wallet.address, to: wish.owner }),
  }))
  if (transferred) return transferred
  return {
    state: 'published',
    did: computeDid(nft, chainId),
    nft,
    datatoken,
    transactions: hashes as Record<Step, string>,
  }
}

/** What is encrypted to the provider: the files, bound to the tokens that guard them. */
function buildFiles({ jobId, results, resultToken }: AssetToPublish, { nft, datatoken }: AssetTokens): string {
  const files = results.map(({ index }): ResultFile => ({ type: 'result', jobId, index, token: resultToken }))
  return JSON.stringify({ datatokenAddress: datatoken, nftAddress: nft, files })
}

/** What publishing the document uses up at the least: by its length, which is known before there are tokens. */
function leastGas(asset: AssetToPublish): bigint {
  const tokens = { nft: ZERO_ADDRESS, datatoken: ZERO_ADDRESS }
  const files = '0'.repeat(2 * buildFiles(asset, tokens).length) // encrypted, in hex
  const document = buildDdo(asset.wish, { chainId: asset.chainId, ...tokens, files }, asset.proof)
  return GAS_PER_BYTE * BigInt(Buffer.byteLength(JSON.stringify(document)))
}

function refused(note: string) {
  return { state: 'refused', note } as const
}
