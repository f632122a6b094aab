import type { StepState } from '../executor.ts'
import { findMain } from './read-step.ts'
import type { PodView } from './views.ts'
import { VOLUME_ROOT } from './volume-folders.ts'

/**
 * What a publish pod does before anything else: its last words are how much room it found on the volume. A volume that
 * is full shows nowhere else; to the algorithm it is an error like any other.
 */
export const MEASURE_VOLUME = `stat -f -c '%a %b %S %d %c' ${VOLUME_ROOT}/outputs > /dev/termination-log 2>/dev/null`

/** No program fills a volume to its last block: so much, or so small a share of it, is no room (a single write may be larger). */
const NO_ROOM = { bytes: 2 * 1024 ** 2, share: 1 / 1000 }

/**
 * Why an algorithm failed, where the first publish pod that has ended says it: its volume had no room left, neither
 * blocks nor names. One that did well is none of this, nor one that removed what it could not finish.
 * @param publishPods of the job, in the order of their attempts
 */
export function explainByVolume(algorithm: StepState, publishPods: readonly (PodView | null)[]): StepState {
  if (algorithm.phase !== 'ended' || algorithm.reason !== null || !algorithm.exitCode) return algorithm
  const room = publishPods.map(readRoom).find((found) => found !== null)
  if (!room || !isFull(room)) return algorithm
  return { ...algorithm, reason: 'WorkspaceFull', message: 'it failed, and its volume was full when it had ended' }
}

interface VolumeRoom {
  freeBytes: number
  bytes: number
  freeNames: number
  /** 0 where the file system has no limit of its own. */
  names: number
}

function isFull({ bytes, freeBytes, freeNames, names }: VolumeRoom): boolean {
  return freeBytes < Math.max(NO_ROOM.bytes, bytes * NO_ROOM.share) || (names > 0 && freeNames === 0)
}

function readRoom(pod: PodView | null): VolumeRoom | null {
  const said = /^(\d+) (\d+) (\d+) (\d+) (\d+)\s*$/.exec(findMain(pod)?.state.terminated?.message ?? '')
  if (!said) return null
  const [freeBlocks = 0, blocks = 0, blockBytes = 0, freeNames = 0, names = 0] = said.slice(1).map(Number)
  return { freeBytes: freeBlocks * blockBytes, bytes: blocks * blockBytes, freeNames, names }
}
