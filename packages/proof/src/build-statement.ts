import { createHash } from 'node:crypto'
import {
  PROOF_PREDICATE_TYPE,
  PROOF_STATEMENT_TYPE,
  proofStatementSchema,
  type ProofPredicate,
  type ProofStatement,
  type ProofSubject,
} from '@c2d/contracts'

/**
 * The statement of one job. Files are sorted by name, so that two runs over the same facts give the same statement.
 * A job that left nothing behind still has a proof: its subject is then the job's own id.
 * @throws ZodError when a fact is malformed
 */
export function buildStatement(predicate: ProofPredicate, files: readonly ProofSubject[]): ProofStatement {
  const subject = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  const { id } = predicate.job
  const nothing = { name: `job:${id}`, digest: { sha256: createHash('sha256').update(id).digest('hex') } }
  return proofStatementSchema.parse({
    _type: PROOF_STATEMENT_TYPE,
    subject: subject.length > 0 ? subject : [nothing],
    predicateType: PROOF_PREDICATE_TYPE,
    predicate,
  })
}
