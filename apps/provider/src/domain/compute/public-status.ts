import type { JobStatusAnswer } from '@c2d/contracts'

/**
 * A job as anybody may see it (DESIGN §4.5). ocean.js cannot sign a status request, and needs from it how far the job
 * is and which result has which index; so that is what an unsigned caller gets. Hidden are the assets, the names and
 * sizes of results, exit code and timeline. The owner and the agreement are told back only to those who named them:
 * the owner always is, being the `consumerAddress` that was asked for.
 * @param named what the caller itself sent
 */
export function buildPublicStatus(
  job: JobStatusAnswer,
  named: { owner: string; agreementId: string | undefined },
): Record<string, unknown> {
  const isAgreementNamed = named.agreementId !== undefined && bareHex(named.agreementId) === bareHex(job.agreementId)
  return {
    jobId: job.jobId,
    owner: named.owner,
    ...(isAgreementNamed ? { agreementId: job.agreementId } : {}),
    status: job.status,
    statusText: job.statusText,
    dateCreated: job.dateCreated,
    dateFinished: job.dateFinished,
    stopreq: job.stopreq,
    removed: job.removed,
    ...(job.reason ? { reason: job.reason } : {}),
    results:
      job.results === '' ? '' : job.results.map(({ type, index }, position) => ({ type, index: index ?? position })),
  }
}

/** A transaction hash as clients spell it: with or without 0x, in any casing (ocean-js-client §4). */
function bareHex(text: string): string {
  return text.toLowerCase().replace(/^0x/, '')
}
