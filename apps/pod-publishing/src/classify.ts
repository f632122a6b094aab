import type { ResultType } from '@c2d/contracts'

const TYPE_BY_PATH: Record<string, ResultType> = {
  'logs/algorithm.log': 'algorithmLog',
  'adminlogs/configure.log': 'configrationLog',
  'adminlogs/publish.log': 'publishLog',
  'adminlogs/filter.log': 'filteringLog',
}

/** What a result is, by its path below the volume (pods-behaviour §2.5); anything unknown is an output. */
export function classifyResult(relativePath: string): ResultType {
  return TYPE_BY_PATH[relativePath] ?? 'output'
}
