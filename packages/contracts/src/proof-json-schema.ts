import { z } from 'zod'
import { PROOF_PREDICATE_TYPE, proofStatementSchema } from './proof.ts'

/**
 * The statement of a proof as JSON Schema 2020-12, for those who check proofs without our code: what
 * `proof.schema.json` of this package holds. The predicate is `#/$defs/ProofPredicate`.
 */
export function buildProofJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(proofStatementSchema, { target: 'draft-2020-12' })
  return {
    $schema,
    $id: `${PROOF_PREDICATE_TYPE}:schema`,
    title: 'Proof of computation',
    description: 'The in-toto statement that the operator of an environment signs of a finished job.',
    ...schema,
  }
}
