import { describe, expect, it } from '@jest/globals'
import { JOB_STATUS } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { createQueueBoard } from './queue-board.ts'

const buildJob = (overrides: Partial<JobRow> = {}) =>
  ({
    jobId: 'a',
    environment: 'env-1',
    status: JOB_STATUS.warmingUp.code,
    dateFinished: null,
    ...overrides,
  }) as JobRow

function createRankings(answer: () => Promise<unknown>): { db: Database; asked: unknown[] } {
  const asked: unknown[] = []
  const raw = (_statement: string, bindings: unknown): Promise<unknown> => {
    asked.push(bindings)
    return answer()
  }
  return { db: { raw } as unknown as Database, asked }
}

const ranking = () => Promise.resolve({ rows: [{ jobId: 'a', position: 7 }] })

describe('createQueueBoard', () => {
  it('behaviour: many who ask at once share one ranking an environment', async () => {
    const { db, asked } = createRankings(ranking)
    const board = createQueueBoard({ maxAgeMs: 60_000 }, { db })
    const positions = await Promise.all(Array.from({ length: 1_000 }, () => board.positionOf(buildJob())))
    expect(new Set(positions)).toEqual(new Set([7]))
    expect(await board.positionOf(buildJob({ environment: 'env-2' }))).toBe(7)
    expect(asked).toEqual([{ environment: 'env-1' }, { environment: 'env-2' }])
  })

  it('behaviour: a job that does not wait is not looked for; one that came later has no place yet', async () => {
    const { db, asked } = createRankings(ranking)
    const board = createQueueBoard({ maxAgeMs: 60_000 }, { db })
    expect(await board.positionOf(buildJob({ status: JOB_STATUS.running.code }))).toBeNull()
    expect(await board.positionOf(buildJob({ dateFinished: '1' }))).toBeNull()
    expect(asked).toEqual([])
    expect(await board.positionOf(buildJob({ jobId: 'later' }))).toBeNull()
  })

  it('error: a ranking that failed is asked for again', async () => {
    let isBroken = true
    const { db, asked } = createRankings(() => (isBroken ? Promise.reject(new Error('gone')) : ranking()))
    const board = createQueueBoard({ maxAgeMs: 60_000 }, { db })
    await expect(board.positionOf(buildJob())).rejects.toThrow('gone')
    isBroken = false
    expect(await board.positionOf(buildJob())).toBe(7)
    expect(asked).toHaveLength(2)
  })
})
