import { concat, getBytes, hashMessage, hexlify, keccak256, toUtf8Bytes, Wallet } from 'ethers'
import { datatokenInterface } from './abi.ts'
import { checksumAddress } from './address.ts'
import { createChainRpc, type ChainRpcOptions } from './chain-rpc.ts'
import { parsePrivateKey } from './private-key.ts'

/** What a provider and a consumer said about one download (local-chain-and-contracts §4.1, `orderExecuted`). */
export interface OrderProof {
  datatokenAddress: string
  orderTxId: string
  /** JSON of what was handed out. */
  providerData: string
  /** What the consumer signed, whole. */
  consumerData: string
  /** 65 bytes of hex in any of the known forms. */
  consumerSignature: string
  /** Must be another than the provider's. */
  consumerAddress: string
}

/** Writes proofs to a chain, in the name and at the cost of a provider. */
export interface OrderProofSender {
  /**
   * Sends one; callers wait for each before the next, because transactions of one account have an order.
   * @returns the transaction's hash, before it is mined
   * @throws AppError `UpstreamUnavailable` where the chain cannot be reached or the contract refuses it
   */
  send(proof: OrderProof): Promise<string>
  /** Ends its timers; requests under way fail. */
  close(): void
}

/**
 * @param privateKey the provider's key on this chain
 * @throws ConfigError where there is no endpoint, or the key is none
 */
export function createOrderProofSender(options: ChainRpcOptions, privateKey: string): OrderProofSender {
  const wallet = new Wallet(parsePrivateKey(privateKey))
  const rpc = createChainRpc(options)
  return {
    async send(proof) {
      const request = { to: checksumAddress(proof.datatokenAddress), data: encodeOrderProof(proof, privateKey) }
      const raw = await rpc.read(async (provider) => {
        const signer = wallet.connect(provider)
        return signer.signTransaction(await signer.populateTransaction(request))
      })
      // Signed once: a second endpoint can only send the same transaction, never another one.
      return rpc.read(async (provider) => String(await provider.send('eth_sendRawTransaction', [raw])))
    },
    close: () => rpc.close(),
  }
}

/**
 * The data of the call `orderExecuted`. Both signatures in the form the contract recovers: v 27 or 28.
 * @param privateKey of the account that will send it: the contract takes its word from nobody else
 */
export function encodeOrderProof(proof: OrderProof, privateKey: string): string {
  const providerData = toUtf8Bytes(proof.providerData)
  const digest = getBytes(keccak256(concat([proof.orderTxId, providerData])))
  return datatokenInterface.encodeFunctionData('orderExecuted', [
    proof.orderTxId,
    hexlify(providerData),
    parsePrivateKey(privateKey).sign(hashMessage(digest)).serialized,
    hexlify(toUtf8Bytes(proof.consumerData)),
    withHighV(proof.consumerSignature),
    checksumAddress(proof.consumerAddress),
  ])
}

function withHighV(signature: string): string {
  const digits = signature.replace(/^0x/i, '')
  const v = Number.parseInt(digits.slice(-2), 16)
  return `0x${digits.slice(0, -2)}${(v < 27 ? v + 27 : v).toString(16)}`
}
