import type { Interface, LogDescription } from 'ethers'

/** What we need of a log, wherever it came from. */
export interface RawLog {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
  readonly index: number
}

/** A log decoded by a contract's fragments; null when it is none of its events, or does not decode. */
export function parseLog(contract: Interface, log: RawLog): LogDescription | null {
  try {
    const parsed = contract.parseLog(log)
    parsed?.args.toArray(true) // members decode when they are read: have them fail here
    return parsed
  } catch {
    return null // the emitter is any contract: bytes that are not the event's shape are not the event
  }
}
