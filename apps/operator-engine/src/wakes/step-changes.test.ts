import { silentLogger } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import { followSteps } from './step-changes.ts'

describe('followSteps', () => {
  it('behaviour: follows again when the changes end, and when they break', async () => {
    const stopping = new AbortController()
    const moved: string[] = []
    let followed = 0
    const executor = {
      async *changes() {
        followed += 1
        await Promise.resolve()
        yield `move ${followed}`
        if (followed === 2) throw new Error('the watch broke')
      },
    }
    await followSteps(executor, stopping.signal, {
      onMove: (jobId) => {
        moved.push(jobId)
        if (moved.length === 4) stopping.abort()
      },
      log: silentLogger,
      refollowMs: 1,
    })
    expect(moved).toEqual(['move 1', 'move 2', 'move 3', 'move 4'])
  })
})
