import { isError, keccak256, Wallet, type TransactionRequest } from 'ethers'
import { checksumAddress } from './address.ts'
import { createChainRpc, type ChainRpcOptions } from './chain-rpc.ts'
import { parsePrivateKey } from './private-key.ts'

/** What a transaction does. */
export interface TransactionCall {
  to: string
  /** Call data, 0x and hex. */
  data: string
}

/** A transaction that can be sent as often as need be: it happens once, or never. */
export interface SignedTransaction {
  /** 0x and hex. */
  raw: string
  hash: string
  nonce: number
}

/** A transaction as it was mined. */
export interface MinedOutcome {
  hash: string
  blockNumber: number
  succeeded: boolean
  logs: readonly { address: string; topics: readonly string[]; data: string; index: number }[]
}

/** An account that sends transactions. It keeps nothing: what was signed is for the caller to remember. */
export interface ChainWallet {
  readonly chainId: number
  readonly address: string
  /**
   * What a call would use up.
   * @returns null where it would revert
   * @throws AppError UpstreamUnavailable
   */
  estimateGas(call: TransactionCall): Promise<bigint | null>
  /**
   * Signs a call with the fees of now.
   * @param options.feePercent of what is usual now; a replacement must offer at least 110
   * @throws AppError UpstreamUnavailable
   */
  sign(
    call: TransactionCall,
    options: { nonce: number; gasLimit: bigint; feePercent: number },
  ): Promise<SignedTransaction>
  /** Sends what was signed; again does no harm. @throws AppError UpstreamUnavailable */
  broadcast(raw: string): Promise<void>
  /** The first of these that was mined; null where none was. @throws AppError UpstreamUnavailable */
  findMined(hashes: readonly string[]): Promise<MinedOutcome | null>
  /** How many transactions the account had sent at a block, now where none is named: the nonce of the next one. */
  countSent(blockNumber?: number): Promise<number>
  latestBlockNumber(): Promise<number>
  /** Whether the account holds what so much gas costs now, twice over: fees rise. @throws AppError UpstreamUnavailable */
  canPay(gas: bigint): Promise<boolean>
  close(): void
}

/**
 * @param privateKey of the account
 * @throws ConfigError where there is no endpoint, or the key is none
 */
export function createChainWallet(options: ChainRpcOptions, privateKey: string): ChainWallet {
  const account = new Wallet(parsePrivateKey(privateKey))
  const rpc = createChainRpc(options)
  const { chainId } = options
  return {
    chainId,
    address: account.address,
    estimateGas: ({ to, data }) =>
      rpc.read(async (provider) => {
        try {
          return await provider.estimateGas({ from: account.address, to: checksumAddress(to), data })
        } catch (error) {
          if (isError(error, 'CALL_EXCEPTION')) return null
          throw error
        }
      }),
    async sign({ to, data }, { nonce, gasLimit, feePercent }) {
      const fees = await rpc.read((provider) => provider.getFeeData())
      const scaled = (wei: bigint): bigint => (wei * BigInt(feePercent)) / 100n + 1n
      const common: TransactionRequest = { chainId, to: checksumAddress(to), data, nonce, gasLimit, value: 0n }
      const priced: TransactionRequest =
        fees.maxFeePerGas !== null && fees.maxPriorityFeePerGas !== null
          ? {
              ...common,
              type: 2,
              maxFeePerGas: scaled(fees.maxFeePerGas),
              maxPriorityFeePerGas: scaled(fees.maxPriorityFeePerGas),
            }
          : { ...common, type: 0, gasPrice: scaled(fees.gasPrice ?? 0n) }
      const raw = await account.signTransaction(priced)
      return { raw, hash: keccak256(raw), nonce }
    },
    async broadcast(raw) {
      await rpc.read(async (provider) => {
        try {
          await provider.send('eth_sendRawTransaction', [raw])
        } catch (error) {
          if (!isKnownAlready(error)) throw error
        }
      })
    },
    async findMined(hashes) {
      for (const hash of hashes) {
        const receipt = await rpc.read((provider) => provider.getTransactionReceipt(hash))
        if (receipt) {
          return {
            hash,
            blockNumber: receipt.blockNumber,
            succeeded: receipt.status === 1,
            logs: receipt.logs.map(({ address, topics, data, index }) => ({ address, topics, data, index })),
          }
        }
      }
      return null
    },
    countSent: (blockNumber) =>
      rpc.read((provider) => provider.getTransactionCount(account.address, blockNumber ?? 'latest')),
    latestBlockNumber: () => rpc.read((provider) => provider.getBlockNumber()),
    async canPay(gas) {
      const [balance, fees] = await rpc.read((provider) =>
        Promise.all([provider.getBalance(account.address), provider.getFeeData()]),
      )
      return balance >= 2n * gas * (fees.maxFeePerGas ?? fees.gasPrice ?? 0n)
    },
    close: () => rpc.close(),
  }
}

/** Nodes word it as they like; all of it means that there is nothing to send any more. */
const KNOWN_ALREADY = /already known|already imported|known transaction|nonce too low|nonce has already been used/i

function isKnownAlready(error: unknown): boolean {
  if (isError(error, 'NONCE_EXPIRED')) return true
  const info: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'error') : undefined
  const message: unknown = typeof info === 'object' && info !== null ? Reflect.get(info, 'message') : undefined
  return typeof message === 'string' && KNOWN_ALREADY.test(message)
}
