/** Buffers that are used again and again, so that what passes through leaves nothing behind to be collected. */
export interface BufferPool {
  take(): Buffer
  give(buffer: Buffer): void
}

/** @param bufferBytes size of each */
export function createBufferPool(bufferBytes: number): BufferPool {
  const free: Buffer[] = []
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes),
    give: (buffer) => void free.push(buffer),
  }
}
