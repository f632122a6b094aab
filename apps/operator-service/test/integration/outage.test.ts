import { openDatabase, type Database } from '@c2d/postgres'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { OWNER, ask, buildStart, sign, startOperator, type OperatorUnderTest } from './operator-under-test.ts'

let operator: OperatorUnderTest
let server: Database
let name: string

beforeAll(async () => {
  operator = await startOperator()
  const url = new URL(operator.databaseUrl)
  name = url.pathname.slice(1)
  url.pathname = '/postgres'
  server = openDatabase({ url: url.href, applicationName: 'outside', maxConnections: 1 })
})
afterAll(async () => {
  await server.destroy()
  await operator.close()
})

async function takeAway(): Promise<void> {
  await server.raw('ALTER DATABASE ?? WITH ALLOW_CONNECTIONS false', [name])
  await server.raw('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ?', [name])
}

const calls = (): Record<string, Promise<{ status: number; body: unknown }>> => ({
  start: ask(operator, 'POST', '/compute', { json: buildStart() }),
  status: ask(operator, 'GET', '/compute', { query: { owner: OWNER, ...sign() } }),
  stop: ask(operator, 'PUT', '/compute', { query: { owner: OWNER, ...sign() } }),
  running: ask(operator, 'GET', '/runningjobs'),
  environments: ask(operator, 'GET', '/environments'),
})

describe('while the database is away', () => {
  it('error: nobody is told that there is nothing; they are told to come again, and it goes on by itself', async () => {
    await takeAway()
    for (const [call, answer] of Object.entries(calls())) {
      const { status, body } = await answer
      expect({ call, status }).toEqual({ call, status: 503 })
      expect({ call, text: JSON.stringify(body) }).toEqual({
        call,
        text: expect.not.stringMatching(/postgres|127\.0/i),
      })
      expect(body).toMatchObject({ error: expect.any(String) })
    }
    expect((await fetch(`${operator.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${operator.url}/healthz`)).status).toBe(200)

    await server.raw('ALTER DATABASE ?? WITH ALLOW_CONNECTIONS true', [name])
    for (const [call, answer] of Object.entries(calls()))
      expect({ call, status: (await answer).status }).toEqual({ call, status: 200 })
  })
})
