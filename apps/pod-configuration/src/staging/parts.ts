/** A stretch of a file that one connection fetches; `end` may shrink while it does. */
export interface Part {
  /** The next byte that is missing. */
  at: number
  /** Not included. */
  end: number
}

/** Who fetches what of one file. Parts are handed out from the front, so that the front is complete first. */
export interface Parts {
  /** The next part: one that was given back, a new one, or half of the slowest; null when all are taken. */
  claim(sizeBytes: number): Part | null
  /** Lengthens a part that ends where nobody has begun; false when somebody has. */
  extend(part: Part, sizeBytes: number): boolean
  /** What was not fetched of a part goes to whoever asks next. */
  giveBack(part: Part): void
  /** Whether something was given back that nobody has asked for since. */
  hasLeft(): boolean
  /** A part is complete. */
  finish(part: Part): void
  /** Bytes that nobody has taken yet. */
  unclaimed(): number
}

/** Halving less than this costs more in questions than it saves. */
const LEAST_SPLIT_BYTES = 4 * 1024 * 1024

/** @param sizeBytes of the file; Infinity where its end is not known */
export function createParts(sizeBytes: number): Parts {
  const active = new Set<Part>()
  const returned: Part[] = []
  let next = 0

  return {
    claim(wantedBytes) {
      const part = returned.shift() ?? (next < sizeBytes ? fresh(wantedBytes) : split())
      if (part) active.add(part)
      return part
    },
    extend(part, wantedBytes) {
      const follower = returned.findIndex((other) => other.at === part.end)
      if (follower >= 0) {
        part.end = returned.splice(follower, 1)[0]?.end ?? part.end
        return true
      }
      if (part.end !== next || next >= sizeBytes) return false
      next = Math.min(sizeBytes, next + wantedBytes)
      part.end = next
      return true
    },
    giveBack(part) {
      active.delete(part)
      if (part.at < part.end) returned.push(part)
    },
    hasLeft: () => returned.length > 0,
    finish: (part) => void active.delete(part),
    unclaimed: () => sizeBytes - next,
  }

  function fresh(wantedBytes: number): Part {
    const part = { at: next, end: Math.min(sizeBytes, next + wantedBytes) }
    next = part.end
    return part
  }

  function split(): Part | null {
    let longest: Part | null = null
    for (const part of active) if (!longest || part.end - part.at > longest.end - longest.at) longest = part
    if (!longest || longest.end - longest.at < 2 * LEAST_SPLIT_BYTES) return null
    const middle = Math.ceil((longest.at + longest.end) / 2)
    const part = { at: middle, end: longest.end }
    longest.end = middle
    return part
  }
}
