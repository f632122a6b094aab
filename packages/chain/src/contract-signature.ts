import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@c2d/runtime'
import { hashMessage } from 'ethers'
import { contractAccountInterface } from './abi.ts'
import { checksumAddress } from './address.ts'
import type { ChainRpc } from './chain-rpc.ts'
import { messageDigest } from './message-signature.ts'
import { callContract } from './rpc-endpoint.ts'

/** A signature that a contract may know as its own. */
export type ContractSignature = {
  /** The contract, in any casing. */
  address: string
  /** Hex, of any length the contract understands. */
  signature: string
  /** How long to wait for its opinion, in milliseconds; default 3 s. */
  timeoutMs?: number
} & ({ /** Exactly as it was signed. */ message: string } | { /** As `messageDigest` gives it. */ digest: Uint8Array })

/** `isValidSignature(bytes32,bytes)`, in a whole word as the ABI has it. */
const MAGIC_WORD = `0x1626ba7e${'0'.repeat(56)}`
const SIGNATURE = /^(?:0x)?((?:[0-9a-f]{2}){1,8192})$/i
const GAS_LIMIT = '0x4c4b40' // five million: real wallets need a tenth, and a node is not ours to burn
const TIMEOUT_MS = 3_000
const DIGEST_BYTES = 32

/**
 * Whether a contract account says that it signed a message (ERC-1271). It is asked about the hash a key would have
 * signed: EIP-191 over the 32 bytes of the digest (provider-http-api §2.1).
 * @returns false where there is no code, it reverts, says anything else, or takes too long
 * @throws AppError InvalidRequest when the address is none; UpstreamUnavailable where the chain cannot be read
 */
export async function isContractSignatureValid(rpc: ChainRpc, claim: ContractSignature): Promise<boolean> {
  const address = checksumAddress(claim.address)
  const signature = SIGNATURE.exec(claim.signature)?.[1]
  const hash = signedHash(claim)
  if (signature === undefined || hash === null) return false
  const data = contractAccountInterface.encodeFunctionData('isValidSignature', [hash, `0x${signature}`])
  const opinion = rpc.read(async (provider) => {
    const [code, answer] = await Promise.all([
      provider.getCode(address),
      callContract(provider, { to: address, data, gas: GAS_LIMIT }),
    ])
    // Precompiled contracts have no code, and one of them answers every question with the question.
    return code !== '0x' && answer.toLowerCase() === MAGIC_WORD
  })
  const waiting = new AbortController()
  const tooLate = delay(claim.timeoutMs ?? TIMEOUT_MS, false, { signal: waiting.signal })
  try {
    return await Promise.race([opinion, tooLate])
  } finally {
    tooLate.catch(() => undefined) // it is ended here, and says so
    waiting.abort()
  }
}

function signedHash(claim: ContractSignature): string | null {
  if ('digest' in claim) {
    if (claim.digest.length === DIGEST_BYTES) return hashMessage(claim.digest)
    throw new AppError('InvalidRequest', { detail: 'A digest has 32 bytes.' })
  }
  try {
    return hashMessage(messageDigest(claim.message))
  } catch {
    return null // half a surrogate pair has no UTF-8: nobody can have signed such a text
  }
}
