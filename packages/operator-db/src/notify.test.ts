import { describe, expect, it } from '@jest/globals'
import type { Database } from '@c2d/postgres'
import { silentLogger, sleep } from '@c2d/runtime'
import { createJobNotifier } from './notify.ts'

const COALESCE_MS = 20

function createRecorder(answer: () => Promise<void>): { db: Database; sent: string[] } {
  const sent: string[] = []
  const raw = (statement: string): Promise<void> => {
    sent.push(statement)
    return answer()
  }
  return { db: { raw } as unknown as Database, sent }
}

describe('createJobNotifier', () => {
  it('behaviour: the first change wakes at once, a burst shares one notification', async () => {
    const { db, sent } = createRecorder(() => Promise.resolve())
    const notifier = createJobNotifier({ coalesceMs: COALESCE_MS }, { db, log: silentLogger })
    for (let i = 0; i < 100; i += 1) notifier.notify()
    expect(sent).toEqual(['NOTIFY c2d_jobs'])
    await sleep(COALESCE_MS * 4)
    expect(sent).toHaveLength(2)
    await notifier.close()
    expect(sent).toHaveLength(2)
  })

  it('behaviour: closing sends what is owed', async () => {
    const { db, sent } = createRecorder(() => Promise.resolve())
    const notifier = createJobNotifier({ coalesceMs: 60_000 }, { db, log: silentLogger })
    notifier.notify()
    notifier.notify()
    await notifier.close()
    expect(sent).toHaveLength(2)
  })

  it('error: a failed notification is said and forgotten', async () => {
    const warnings: string[] = []
    const log = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) }
    const { db } = createRecorder(() => Promise.reject(new Error('no connection')))
    const notifier = createJobNotifier({ coalesceMs: COALESCE_MS }, { db, log })
    notifier.notify()
    await notifier.close()
    expect(warnings).toEqual(['could not notify of changed jobs'])
  })
})
