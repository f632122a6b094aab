import { ProvisionError } from '../provision-error.ts'

/** Room on the volume that is set aside for one file. */
export interface Reservation {
  /** Makes it at least this large. @throws ProvisionError `InputTooLarge` when the volume has not that much */
  grow(toBytes: number): Promise<void>
  /** Tells that some of it is taken now, which the volume itself shows from then on. */
  wrote(bytes: number): void
  /** Gives it back: the file is complete, and its room taken, or it was given up, and removed. */
  release(outcome: 'kept' | 'removed'): void
}

/** The room of a job's volume, shared by all files that arrive at once. */
export interface SpaceBudget {
  reserve(): Reservation
}

/** As long as more than this is left, nobody asks the volume for each small file. */
const AMPLE_BYTES = 1024 ** 3
const MARGIN_BYTES = 8 * 1024 ** 2

/**
 * Refuses a file before its bytes arrive rather than when the disk is full.
 * @param options.maxBytes of all files together; null leaves it to the volume
 * @param deps.freeBytes asks the volume
 */
export function createSpaceBudget(
  options: { maxBytes: number | null },
  deps: { freeBytes: () => Promise<number> },
): SpaceBudget {
  const outstanding = new Map<symbol, number>()
  let keptBytes = 0
  let knownFree = 0

  const sum = (): number => [...outstanding.values()].reduce((all, one) => all + one, 0)

  return {
    reserve() {
      const key = Symbol('reservation')
      let size = 0
      outstanding.set(key, 0)
      return {
        async grow(toBytes) {
          const more = toBytes - size
          if (more <= 0) return
          if (options.maxBytes !== null && keptBytes + more > options.maxBytes) {
            throw tooLarge(`the datasets of a job may be ${options.maxBytes} bytes in all`)
          }
          size = toBytes
          keptBytes += more
          outstanding.set(key, (outstanding.get(key) ?? 0) + more)
          knownFree -= more
          if (knownFree > AMPLE_BYTES) return
          const free = (await deps.freeBytes()) - MARGIN_BYTES
          const left = free - sum()
          knownFree = left
          if (left < 0) throw tooLarge(`it needs ${toBytes} bytes, and the volume has ${Math.max(0, left + more)} left`)
        },
        wrote(bytes) {
          outstanding.set(key, Math.max(0, (outstanding.get(key) ?? 0) - bytes))
        },
        release(outcome) {
          outstanding.delete(key)
          if (outcome === 'removed') keptBytes -= size
          size = 0
        },
      }
    },
  }
}

function tooLarge(why: string): ProvisionError {
  return new ProvisionError('InputTooLarge', `There is not enough room for a file: ${why}.`)
}
