/** Connections beyond the first of each file, of which there are only so many for all files together. */
export interface LaneSlots {
  tryTake(): boolean
  release(): void
}

/** @param count how many may be taken at once */
export function createLaneSlots(count: number): LaneSlots {
  let free = count
  return {
    tryTake() {
      if (free === 0) return false
      free -= 1
      return true
    },
    release: () => void (free += 1),
  }
}
