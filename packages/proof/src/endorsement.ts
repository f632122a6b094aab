import { recoverTextSigner } from '@c2d/chain'
import { isSameAddress, type KeyEndorsement } from '@c2d/contracts'
import type { ProofSigner } from './proof-signer.ts'

type Unsigned = Omit<KeyEndorsement, 'signature'>

/** What the environment's key signs: one labelled line per member, so nothing can be shifted between them. */
export function endorsementText(endorsement: Unsigned): string {
  return [
    'c2d proof key v1',
    `environment ${JSON.stringify(endorsement.environment)}`,
    `address ${endorsement.environmentAddress.toLowerCase()}`,
    `key ${endorsement.keyAddress.toLowerCase()}`,
    `from ${endorsement.validFrom}`,
    `until ${endorsement.validUntil}`,
  ].join('\n')
}

/**
 * Lets a proof key speak for an environment for a time.
 * @param environmentSigner holds the key whose address `computeEnvironments` names
 * @param term epoch seconds
 */
export async function endorseKey(
  environmentSigner: ProofSigner,
  environment: string,
  keyAddress: string,
  term: { validFrom: number; validUntil: number },
): Promise<KeyEndorsement> {
  const unsigned = { environment, environmentAddress: environmentSigner.address, keyAddress, ...term }
  return { ...unsigned, signature: await environmentSigner.sign(endorsementText(unsigned)) }
}

/** Whether the environment's own key signed this endorsement. */
export function isGenuineEndorsement(endorsement: KeyEndorsement): boolean {
  const signer = recoverTextSigner(endorsementText(endorsement), endorsement.signature)
  return signer !== null && isSameAddress(signer, endorsement.environmentAddress)
}
