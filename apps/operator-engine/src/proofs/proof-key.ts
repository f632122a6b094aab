import { hkdfSync } from 'node:crypto'
import type { KeyEndorsement } from '@c2d/contracts'
import { createLocalSigner, endorseKey, type ProofSigner } from '@c2d/proof'
import { Secret } from '@c2d/runtime'
import type { EnvironmentConfig } from '../config.ts'

/** A key that signs proofs of an environment, and the environment's word for it. */
export interface ProofKey {
  signer: ProofSigner
  endorsement: KeyEndorsement
}

const SECONDS_PER_DAY = 86_400

/** The key that signs for an environment, for a job that finished then (epoch milliseconds). */
export type ProofKeys = (environment: EnvironmentConfig, finishedAtMs: number) => Promise<ProofKey>

/**
 * The proof keys of environments, one a term: derived from the environment's own key, so that every engine of it signs
 * with the same one and none has to be kept; another one each term, so that rotation is the rule and not an event. Where
 * the operator has a signer elsewhere, its key is endorsed for each term instead.
 * @param options.termDays how long a key signs
 * @param options.signer signs for every environment; absent is a key of each environment's own
 */
export function createProofKeys(options: { termDays: number; signer?: ProofSigner | undefined }): ProofKeys {
  const known = new Map<string, Promise<ProofKey>>()
  const termSeconds = options.termDays * SECONDS_PER_DAY
  return (environment, finishedAtMs) => {
    const term = Math.floor(finishedAtMs / 1000 / termSeconds)
    const name = JSON.stringify([environment.id, environment.consumerAddress, term, options.termDays])
    const validFrom = term * termSeconds
    const key =
      known.get(name) ??
      endorse(options.signer ?? deriveSigner(environment.privateKey, name), environment, {
        validFrom,
        validUntil: validFrom + termSeconds,
      })
    known.set(name, key)
    return key
  }
}

function deriveSigner(environmentKey: Secret, name: string): ProofSigner {
  const info = `c2d proof key v1\n${name}`
  // Outside the curve's order as good as never: whoever hits that gets an error from the signer, not a weak key.
  const key = Buffer.from(hkdfSync('sha256', environmentKey.reveal(), '', info, 32)).toString('hex')
  return createLocalSigner(new Secret(`0x${key}`))
}

async function endorse(
  signer: ProofSigner,
  environment: EnvironmentConfig,
  term: { validFrom: number; validUntil: number },
): Promise<ProofKey> {
  const environmentSigner = createLocalSigner(environment.privateKey)
  return { signer, endorsement: await endorseKey(environmentSigner, environment.id, signer.address, term) }
}
