import type { ProofStatement } from '@c2d/contracts'
import type { ReportLine } from './report.ts'

/** What a proof that holds says of its job, in a few lines: how it ended, on what it ran, and how sealed off. */
export function tellStatement({ subject, predicate }: ProofStatement): ReportLine[] {
  const { job, datasets, algorithm, execution, finishedAtMs } = predicate
  const { exitCode, reason, isolation, executor } = execution
  const end = reason === null ? 'well' : `with ${reason}`
  const code = exitCode === null ? 'the algorithm did not run to an end' : `exit code ${exitCode}`
  const names = datasets.map(({ did }) => did ?? 'a dataset without a DID')
  const sealed =
    isolation === null ? 'not measured' : isolation.sealed ? `sealed, egress ${isolation.egress}` : 'not sealed'
  const told = [
    `job ${job.id} of ${job.consumer} ended ${end} at ${new Date(finishedAtMs).toISOString()}: ${code}`,
    `${algorithm.did ?? 'raw code'} in ${algorithm.image} ran on ${names.join(', ') || 'no dataset'}`,
    `executor ${executor}${executor === 'process' ? ', which runs no image' : ''}; network before the first instruction: ${sealed}`,
    isNothing(subject, job.id) ? 'it left no file' : `files it left: ${subject.length}`,
  ]
  return told.map((text) => ({ outcome: 'says', text }))
}

/** A job that left nothing is the subject itself, as a statement has at least one. */
export function isNothing(subject: ProofStatement['subject'], jobId: string): boolean {
  return subject.length === 1 && subject[0]?.name === `job:${jobId}`
}
