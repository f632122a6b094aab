import { describe, expect, it } from '@jest/globals'
import { createProgressMeter, describeProgress } from './progress.ts'

describe('progress', () => {
  it('behaviour: a try that is void takes back what it brought', () => {
    const meter = createProgressMeter()
    meter.addFiles(2)
    const first = meter.beginFile()
    first.expect(100)
    first.received(40)
    first.undo()
    const second = meter.beginFile()
    second.expect(100)
    second.received(100)
    meter.fileDone()
    meter.beginFile().received(7)
    expect(meter.read()).toEqual({ bytes: 107, expectedBytes: 107, filesDone: 1, files: 2 })
  })

  it('behaviour: is told with its rate and what remains', () => {
    const now = { bytes: 3_000, expectedBytes: 10_000, filesDone: 1, files: 4 }
    expect(describeProgress(now, { bytes: 1_000, elapsedMs: 2_000 })).toEqual({
      phase: 'staging',
      bytes: 3_000,
      expectedBytes: 10_000,
      filesDone: 1,
      files: 4,
      bytesPerSecond: 1_000,
      remainingSeconds: 7,
    })
    expect(describeProgress(now, { bytes: 5_000, elapsedMs: 0 })).not.toHaveProperty('remainingSeconds')
  })
})
