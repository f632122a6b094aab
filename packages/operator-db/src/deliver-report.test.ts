import { describe, expect, it } from '@jest/globals'
import { openReporter, type ReportClient } from './deliver-report.ts'

const STATEMENT = { text: 'SELECT report($1)', values: [1] }
type Answer = 'taken' | { connect: string } | { query: string }

/** A server that answers one connection after the other as told, and counts what it was asked. */
function buildServer(answers: Answer[]) {
  const asked: string[] = []
  const fail = (code: string) => Promise.reject(Object.assign(new Error(code), { code }))
  const createClient = (): ReportClient => {
    const answer = answers.shift() ?? 'taken'
    return {
      connect: () => (typeof answer === 'object' && 'connect' in answer ? fail(answer.connect) : Promise.resolve()),
      query: (text) => {
        asked.push(text)
        return typeof answer === 'object' && 'query' in answer ? fail(answer.query) : Promise.resolve()
      },
      end: () => new Promise(() => undefined),
      on: () => undefined,
    }
  }
  return { asked, createClient }
}

describe('a report', () => {
  it('behaviour: is brought through an outage, whether the connection or the answer fails', async () => {
    const server = buildServer([{ connect: 'ECONNREFUSED' }, { connect: '53300' }, { query: '57P01' }, 'taken'])
    await openReporter({ ...server, patienceMs: 10_000, pauseMs: 1 }).deliver(STATEMENT)
    expect(server.asked).toEqual([STATEMENT.text, STATEMENT.text])
  })

  it.each(['C2D01', 'C2D03', '28P01'])('error: is not repeated once it is refused with %s', async (code) => {
    const server = buildServer([{ query: code }])
    const reporter = openReporter({ ...server, patienceMs: 10_000, pauseMs: 1 })
    await expect(reporter.deliver(STATEMENT)).rejects.toMatchObject({ code })
    expect(server.asked).toHaveLength(1)
  })

  it('error: is given up when the patience is over', async () => {
    const server = buildServer(Array.from({ length: 1_000 }, () => ({ connect: 'ECONNREFUSED' })))
    const reporter = openReporter({ ...server, patienceMs: 20, pauseMs: 1 })
    await expect(reporter.deliver(STATEMENT)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
