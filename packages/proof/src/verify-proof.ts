import { recoverTextSigner } from '@c2d/chain'
import {
  isSameAddress,
  proofEnvelopeSchema,
  proofStatementSchema,
  type KeyEndorsement,
  type ProofStatement,
} from '@c2d/contracts'
import { anchorText } from './anchor.ts'
import { isCanonicalEnvelope } from './canonical-envelope.ts'
import { canonicalJson } from './canonical-json.ts'
import { isGenuineEndorsement } from './endorsement.ts'
import { preAuthEncoding } from './envelope.ts'

/** One thing that was checked. */
export interface ProofCheck {
  name: 'form' | 'canonical' | 'signature' | 'endorsement' | 'term' | 'environment'
  passed: boolean
  /** What was found, in a sentence. */
  finding: string
}

/** What a proof turned out to be: its statement counts only when every check passed. */
export interface ProofVerdict {
  checks: ProofCheck[]
  statement: ProofStatement | null
  endorsement: KeyEndorsement | null
  /** What anchors of it say on chain. */
  anchor: string | null
}

/**
 * Checks a proof by itself, with nothing but its own bytes: form, canonical bytes, signature, the key's endorsement by
 * the environment, and that the job finished within the key's term.
 * @param document untrusted: a parsed JSON document
 */
export function verifyProof(document: unknown): ProofVerdict {
  const checks: ProofCheck[] = []
  const check = (name: ProofCheck['name'], passed: boolean, good: string, bad: string): boolean => {
    checks.push({ name, passed, finding: passed ? good : bad })
    return passed
  }

  const envelope = proofEnvelopeSchema.safeParse(document).data
  const payload = envelope && Buffer.from(envelope.payload, 'base64').toString('utf8')
  const statement = payload === undefined ? undefined : parseStatement(payload)
  const isFormed = check(
    'form',
    statement !== undefined,
    'an in-toto statement v1 of a job, in a DSSE envelope',
    'this is no proof of a job: the envelope or the statement in it has another form',
  )
  if (!isFormed || !envelope || payload === undefined || !statement) {
    return { checks, statement: null, endorsement: null, anchor: null }
  }

  const signature = envelope.signatures[0] as (typeof envelope.signatures)[number]
  const { endorsement } = signature
  check(
    'canonical',
    canonicalJson(statement) === payload && isCanonicalEnvelope(envelope),
    'the proof is written in its one canonical form',
    'the proof is not written in its one canonical form',
  )
  const signer = recoverTextSigner(
    preAuthEncoding(envelope.payloadType, payload),
    `0x${Buffer.from(signature.sig, 'base64').toString('hex')}`,
  )
  check(
    'signature',
    signer !== null && isSameAddress(signer, signature.keyid) && isSameAddress(signer, endorsement.keyAddress),
    `signed by the proof key ${signature.keyid}`,
    'the signature does not fit: the statement was changed, or another key signed it',
  )
  check(
    'endorsement',
    isGenuineEndorsement(endorsement),
    `the key was endorsed by the environment's address ${endorsement.environmentAddress}`,
    "the proof key was not endorsed by the environment's address",
  )
  const { environment, finishedAtMs } = statement.predicate
  const finishedAt = Math.floor(finishedAtMs / 1000)
  check(
    'term',
    finishedAt >= endorsement.validFrom && finishedAt < endorsement.validUntil,
    'the job finished within the term of the key',
    'the job finished outside the term of the key',
  )
  check(
    'environment',
    environment.id === endorsement.environment && isSameAddress(environment.address, endorsement.environmentAddress),
    `the environment is ${environment.id}`,
    "the endorsement is another environment's",
  )
  const isGood = checks.every(({ passed }) => passed)
  if (!isGood) return { checks, statement: null, endorsement: null, anchor: null }
  return { checks, statement, endorsement, anchor: anchorText(statement.predicate.job.id, envelope) }
}

function parseStatement(payload: string): ProofStatement | undefined {
  try {
    return proofStatementSchema.safeParse(JSON.parse(payload)).data
  } catch {
    return undefined // no JSON: no statement
  }
}
