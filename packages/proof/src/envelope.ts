import { PROOF_PAYLOAD_TYPE, type KeyEndorsement, type ProofEnvelope, type ProofStatement } from '@c2d/contracts'
import { canonicalJson } from './canonical-json.ts'
import type { ProofSigner } from './proof-signer.ts'

/**
 * DSSE's pre-authentication encoding: what is signed instead of the payload alone, so that a payload of another type
 * can never pass for this one.
 */
export function preAuthEncoding(payloadType: string, payload: string): string {
  return `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${Buffer.byteLength(payload)} ${payload}`
}

/** Signs a statement's canonical bytes and packs both. @throws Error when the endorsement is another key's */
export async function sealStatement(
  statement: ProofStatement,
  signer: ProofSigner,
  endorsement: KeyEndorsement,
): Promise<ProofEnvelope> {
  if (endorsement.keyAddress.toLowerCase() !== signer.address.toLowerCase()) {
    throw new Error(`the endorsement is for ${endorsement.keyAddress}, the signer is ${signer.address}`)
  }
  const payload = canonicalJson(statement)
  const signature = await signer.sign(preAuthEncoding(PROOF_PAYLOAD_TYPE, payload))
  return {
    payloadType: PROOF_PAYLOAD_TYPE,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [
      { keyid: signer.address, sig: Buffer.from(signature.slice(2), 'hex').toString('base64'), endorsement },
    ],
  }
}
