import { isError, keccak256, Transaction, Wallet, type TransactionRequest } from 'ethers'
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
   * @param options.feePercent of what is usual now
   * @throws AppError UpstreamUnavailable
   */
  sign(
    call: TransactionCall,
    options: { nonce: number; gasLimit: bigint; feePercent: number },
  ): Promise<SignedTransaction>
  /**
   * Signs a call anew, in place of one that was signed with the same nonce: with so much better fees that nodes take it.
   * @param options.standing the signed one, 0x and hex
   * @returns null where that one offers as much already
   * @throws AppError UpstreamUnavailable
   */
  outbid(
    call: TransactionCall,
    options: { nonce: number; gasLimit: bigint; feePercent: number; standing: string },
  ): Promise<SignedTransaction | null>
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

  async function priceNow(feePercent: number): Promise<Fees> {
    const fees = await rpc.read((provider) => provider.getFeeData())
    const scaled = (wei: bigint): bigint => (wei * BigInt(feePercent)) / 100n + 1n
    return fees.maxFeePerGas !== null && fees.maxPriorityFeePerGas !== null
      ? { maxWei: scaled(fees.maxFeePerGas), tipWei: scaled(fees.maxPriorityFeePerGas) }
      : { maxWei: scaled(fees.gasPrice ?? 0n), tipWei: null }
  }

  async function signAt(
    { maxWei, tipWei }: Fees,
    { to, data }: TransactionCall,
    { nonce, gasLimit }: { nonce: number; gasLimit: bigint },
  ): Promise<SignedTransaction> {
    const common: TransactionRequest = { chainId, to: checksumAddress(to), data, nonce, gasLimit, value: 0n }
    const raw = await account.signTransaction(
      tipWei === null
        ? { ...common, type: 0, gasPrice: maxWei }
        : { ...common, type: 2, maxFeePerGas: maxWei, maxPriorityFeePerGas: tipWei },
    )
    return { raw, hash: keccak256(raw), nonce }
  }

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
    sign: async (call, options) => signAt(await priceNow(options.feePercent), call, options),
    async outbid(call, options) {
      const [wanted, standing] = [await priceNow(options.feePercent), readFees(options.standing)]
      const replacing = outbidFees(wanted, standing)
      return replacing && signAt(replacing, call, options)
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

/** What a transaction offers for a unit of gas; without a tip of its own it is of the old kind. */
interface Fees {
  maxWei: bigint
  tipWei: bigint | null
}

/** What nodes want a replacement to offer of what it replaces, of the whole and of the tip. */
const REPLACEMENT_PERCENT = 110n

function readFees(raw: string): Fees {
  const { maxFeePerGas, maxPriorityFeePerGas, gasPrice } = Transaction.from(raw)
  return { maxWei: maxFeePerGas ?? gasPrice ?? 0n, tipWei: maxPriorityFeePerGas }
}

/**
 * What to offer instead of what stands: what is wanted, and so much more than what stands that nodes take it.
 * @returns null where nothing more is wanted than stands
 */
function outbidFees(wanted: Fees, standing: Fees): Fees | null {
  const tips = [wanted.tipWei ?? wanted.maxWei, standing.tipWei ?? standing.maxWei] as const
  if (wanted.maxWei <= standing.maxWei && tips[0] <= tips[1]) return null
  const enough = (now: bigint, before: bigint): bigint => {
    const taken = (before * REPLACEMENT_PERCENT) / 100n + 1n
    return now > taken ? now : taken
  }
  return {
    maxWei: enough(wanted.maxWei, standing.maxWei),
    tipWei: wanted.tipWei === null ? null : enough(...tips),
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
