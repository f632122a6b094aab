import { describe, expect, it } from '@jest/globals'
import { waitForDatabase, type DatabaseWait } from './wait-for-database.ts'

const refused = () => Object.assign(new Error(''), { code: 'ECONNREFUSED' })

/** A wait whose database answers these, one after the other, and the last one again and again. */
function waitFor(answers: (Error | string | null)[], rest: Partial<DatabaseWait> = {}) {
  const told: string[] = []
  let asked = 0
  const waited = waitForDatabase({
    ask: async () => {
      const answer = answers[Math.min(asked, answers.length - 1)]!
      asked += 1
      if (answer instanceof Error) throw answer
      return answer
    },
    patienceMs: 60_000,
    signal: new AbortController().signal,
    onWaiting: (missing) => told.push(missing),
    ...rest,
  })
  return { waited, told, asked: () => asked }
}

describe('waitForDatabase', () => {
  it('does not wait for what is there', async () => {
    const { waited, told, asked } = waitFor([null])
    expect([await waited, told, asked()]).toEqual([true, [], 1])
  })

  it('behaviour: waits for a server that is away, then for what is not in it yet, and says each once', async () => {
    const starting = Object.assign(new Error('the database system is starting up'), { code: '57P03' })
    const { waited, told } = waitFor([refused(), refused(), starting, 'no schema', 'no schema', null])
    expect(await waited).toBe(true)
    expect(told).toEqual([
      'the database cannot be reached: ECONNREFUSED',
      'the database cannot be reached: the database system is starting up',
      'no schema',
    ])
  })

  it('error: what waiting does not mend is thrown at once', async () => {
    const wrong = Object.assign(new Error('password authentication failed'), { code: '28P01' })
    const { waited, asked } = waitFor([wrong])
    await expect(waited).rejects.toBe(wrong)
    expect(asked()).toBe(1)
  })

  it('error: says what is missing when the patience is over, with its cause', async () => {
    const cause = refused()
    await expect(waitFor([cause], { patienceMs: 0 }).waited).rejects.toMatchObject({
      message: 'the database cannot be reached: ECONNREFUSED',
      cause,
    })
  })

  it('behaviour: whoever is told to end does not wait any longer', async () => {
    const ending = new AbortController()
    const { waited } = waitFor([refused()], { signal: ending.signal, onWaiting: () => ending.abort() })
    expect(await waited).toBe(false)
  })
})
