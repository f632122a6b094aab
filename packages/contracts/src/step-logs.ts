/**
 * The logs of earlier steps, where an executor keeps them elsewhere than on the volume: private files of the publish
 * step, compressed with gzip, and what each is published as (pods-behaviour §2.2).
 */
export const STEP_LOGS = {
  algorithm: { file: 'algorithm.log.gz', path: 'logs/algorithm.log' },
  configure: { file: 'configure.log.gz', path: 'adminlogs/configure.log' },
  filter: { file: 'filter.log.gz', path: 'adminlogs/filter.log' },
} as const
