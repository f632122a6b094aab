/** Memory that uploads share; each takes its turn. */
export interface PartBuffers {
  /** A buffer of at least so many bytes, with any content; waits, in the order of asking, until there is room. */
  borrow(bytes: number): Promise<Buffer>
  /** Takes one back, once. @param options.reuse false where somebody may still read from it */
  giveBack(buffer: Buffer, options?: { reuse: boolean }): void
}

/** Few sizes, so that what one gave back serves another. */
const SIZES = { small: 64 * 1024, step: 1024 ** 2 }

/**
 * Lends buffers out of a fixed amount of memory and uses them again: what is left to the collector it collects late,
 * and an upload of many parts would hold several times what it sends.
 * @param options.maxBytes of all that is lent or idle; a single buffer may be larger while no other is lent
 */
export function createPartBuffers(options: { maxBytes: number }): PartBuffers {
  const idle: Buffer[] = []
  const waiting: { bytes: number; give: (buffer: Buffer) => void }[] = []
  let lentBytes = 0
  let idleBytes = 0

  function find(bytes: number): Buffer {
    const at = idle.findIndex((buffer) => buffer.length === bytes)
    const [found] = at === -1 ? [] : idle.splice(at, 1)
    if (found) idleBytes -= bytes
    while (idleBytes > 0 && lentBytes + idleBytes + bytes > options.maxBytes) idleBytes -= idle.pop()?.length ?? 0
    return found ?? Buffer.allocUnsafeSlow(bytes)
  }

  function serve(): void {
    for (let [next] = waiting; next; [next] = waiting) {
      if (lentBytes > 0 && lentBytes + next.bytes > options.maxBytes) return
      waiting.shift()
      const buffer = find(next.bytes)
      lentBytes += next.bytes
      next.give(buffer)
    }
  }

  return {
    borrow(bytes) {
      const rounded = bytes <= SIZES.small ? SIZES.small : Math.ceil(bytes / SIZES.step) * SIZES.step
      return new Promise((give) => {
        waiting.push({ bytes: rounded, give })
        serve()
      })
    },
    giveBack(buffer, { reuse } = { reuse: true }) {
      lentBytes -= buffer.length
      if (reuse) {
        idle.push(buffer)
        idleBytes += buffer.length
      }
      serve()
    },
  }
}
