import type { JobEvent, JobStatusAnswer } from '@c2d/contracts'
import type { JobRow, JobSequel, UnfinishedJob } from '@c2d/operator-db'

/**
 * A job as status answers show it (operator-service-api §5): no address of a result, and `""` where there is none yet.
 * Beside the reference's members: `reason`, `exitCode`, `isolation`, `queuePosition`, `timeline`, and of each result its
 * `index`, hash, path, and what became of it; `proof` and `asset` where there is one.
 * @param queuePosition from 1; null when the job does not wait, or is not ranked yet
 */
export function buildStatusAnswer(
  job: JobRow,
  timeline: JobEvent[],
  queuePosition: number | null = null,
  sequel: JobSequel = {},
): JobStatusAnswer {
  const results = job.outputs ?? []
  return {
    agreementId: job.agreementId,
    jobId: job.jobId,
    owner: job.owner,
    status: job.status,
    statusText: job.statusText,
    dateCreated: job.dateCreated,
    dateFinished: job.dateFinished,
    results:
      results.length === 0
        ? ''
        : results.map(({ url: _url, copies: _copies, ...shown }, index) => ({ ...shown, index })),
    stopreq: job.stopRequest,
    removed: 0,
    ...assetsOf(job),
    reason: job.reason,
    exitCode: job.exitCode,
    isolation: job.isolation,
    queuePosition,
    timeline,
    ...sequel,
  }
}

/** An element of the list of unfinished jobs, for callers whose signature is good. */
export function buildRunningJob(job: JobRow): Record<string, unknown> {
  const { agreementId, owner } = job
  return { ...buildStrangersJob(job), agreementId, owner, ...assetsOf(job) }
}

/** The same for anybody: whose it is and what it works on is nobody's business. */
export function buildStrangersJob({ jobId, status, statusText, dateCreated, environment }: UnfinishedJob) {
  const hidden = { agreementId: '', owner: '', algoDID: '', inputDID: [] }
  return { ...hidden, jobId, status, statusText, dateCreated, namespace: environment }
}

function assetsOf(job: JobRow): { algoDID: string; inputDID: string[] } {
  const stage = job.workflow?.spec.metadata.stages[0]
  return {
    algoDID: stage?.algorithm.id ?? 'raw',
    inputDID: stage?.input.flatMap((input) => (input.id === undefined ? [] : [input.id])) ?? [],
  }
}
