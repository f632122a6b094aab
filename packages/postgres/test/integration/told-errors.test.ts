import { inspect } from 'node:util'
import { openDatabase, type Database } from '@c2d/postgres'
import { createTestDatabase, type TestDatabase } from '@c2d/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

let target: TestDatabase
let db: Database
beforeAll(async () => {
  target = await createTestDatabase({ migrate: () => Promise.resolve() })
  db = openDatabase({ url: target.url, applicationName: 'test' })
})
afterAll(async () => {
  await db.destroy()
  await target.drop()
})

describe('a statement that fails', () => {
  it('behaviour: is told with its text and without its values, which may be secret', async () => {
    const error: unknown = await db
      .raw('SELECT :workflow::text, pg_sleep(1) FROM nowhere', { workflow: 'hunter2' })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: '42P01', message: expect.stringContaining('nowhere') })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2')
  })
})
