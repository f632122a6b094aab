/** How far staging is. */
export interface Progress {
  bytes: number
  /** Of all files whose size is known so far. */
  expectedBytes: number
  filesDone: number
  files: number
}

/** Counts what arrives. */
export interface ProgressMeter {
  addFiles(count: number): void
  /** One try at one file. */
  beginFile(): FileMeter
  fileDone(): void
  read(): Progress
}

/** What one try at one file brings. */
export interface FileMeter {
  expect(sizeBytes: number | null): void
  received(bytes: number): void
  bytes(): number
  /** The try is void, and so is what it brought. */
  undo(): void
}

/**
 * Creates a meter that stands at nothing.
 * @param onBytes told of every byte that arrives, whatever becomes of it
 */
export function createProgressMeter(onBytes: (bytes: number) => void = () => undefined): ProgressMeter {
  const now: Progress = { bytes: 0, expectedBytes: 0, filesDone: 0, files: 0 }
  return {
    addFiles: (count) => void (now.files += count),
    fileDone: () => void (now.filesDone += 1),
    read: () => ({ ...now, expectedBytes: Math.max(now.expectedBytes, now.bytes) }),
    beginFile() {
      let got = 0
      let expected = 0
      return {
        expect(sizeBytes) {
          now.expectedBytes += (sizeBytes ?? 0) - expected
          expected = sizeBytes ?? 0
        },
        received(bytes) {
          got += bytes
          now.bytes += bytes
          onBytes(bytes)
        },
        bytes: () => got,
        undo() {
          now.bytes -= got
          now.expectedBytes -= expected
          got = 0
          expected = 0
        },
      }
    },
  }
}

/**
 * A line of the timeline about staging.
 * @param sinceMs what had arrived a while ago, and when
 */
export function describeProgress(
  now: Progress,
  since: { bytes: number; elapsedMs: number },
): { phase: 'staging' } & Record<string, number | string> {
  const bytesPerSecond = Math.max(0, Math.round(((now.bytes - since.bytes) * 1000) / Math.max(1, since.elapsedMs)))
  const remainingBytes = now.expectedBytes - now.bytes
  return {
    phase: 'staging',
    bytes: now.bytes,
    expectedBytes: now.expectedBytes,
    filesDone: now.filesDone,
    files: now.files,
    bytesPerSecond,
    ...(bytesPerSecond > 0 ? { remainingSeconds: Math.ceil(remainingBytes / bytesPerSecond) } : {}),
  }
}
