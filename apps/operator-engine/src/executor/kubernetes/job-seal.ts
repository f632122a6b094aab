import type { ClusterSettings } from './settings.ts'

/** Under which key an anchor names the canary that the steps of its job try. */
export const JOB_CANARY = 'seal-canary'

/**
 * What seals the steps of one job. Its configure pod must have reached what its algorithm must not (DESIGN §4.14), also
 * where different engines start the two: so it is the canary of whoever prepared the job. That engine may be gone since, and
 * silence of nobody shows nothing, so the canary of the engine that starts a step must be silent too.
 * @param anchor of the job
 * @param seal of the engine that starts a step
 */
export function chooseSeal(
  anchor: { data: Readonly<Record<string, string>> },
  seal: ClusterSettings['seal'],
): ClusterSettings['seal'] {
  const canary = anchor.data[JOB_CANARY]
  if (!seal || canary === undefined || canary === seal.canary) return seal
  return { canary, probes: [...seal.probes, `second-canary=tcp://${seal.canary}`] }
}
