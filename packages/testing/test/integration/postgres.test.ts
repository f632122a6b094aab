import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import pg from 'pg'
import { createTestDatabase, type TestDatabase } from '@c2d/testing'

const migrated: string[] = []

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

async function migrate(url: string): Promise<void> {
  migrated.push(url)
  await query(url, "CREATE TABLE notes (body text); INSERT INTO notes VALUES ('seed')")
}

function create(template: string): Promise<TestDatabase> {
  return createTestDatabase({ template, migrate })
}

describe('createTestDatabase', () => {
  let databases: TestDatabase[] = []

  beforeAll(async () => {
    databases = await Promise.all([create('clones'), create('clones'), create('clones')])
  })
  afterAll(() => Promise.all(databases.map((database) => database.drop())))

  it('migrates once for all that ask for the same template at the same moment', () => {
    expect(migrated).toHaveLength(1)
    expect(new Set(databases.map((database) => database.url)).size).toBe(3)
  })

  it('behaviour: what one clone writes, no other clone sees, nor a later one', async () => {
    const [first, second] = databases as [TestDatabase, TestDatabase]
    await query(first.url, "INSERT INTO notes VALUES ('mine')")
    expect(await query(second.url, 'SELECT body FROM notes')).toEqual([{ body: 'seed' }])

    const later = await create('clones')
    databases.push(later)
    expect(await query(later.url, 'SELECT body FROM notes')).toEqual([{ body: 'seed' }])
    expect(migrated).toHaveLength(1)
  })

  it('behaviour: a database without a template is migrated by itself', async () => {
    const single = await createTestDatabase({
      migrate: async (url) => {
        await query(url, 'CREATE TABLE own (n int)')
      },
    })
    databases.push(single)
    expect(await query(single.url, 'SELECT n FROM own')).toEqual([])
  })

  it('behaviour: dropping ends the sessions that are left, and may be repeated', async () => {
    const doomed = await create('clones')
    const client = new pg.Client({ connectionString: doomed.url })
    const ended = new Promise<Error>((resolve) => client.on('error', resolve))
    await client.connect()
    await doomed.drop()
    expect((await ended).message).toMatch(/terminat/)
    await doomed.drop()
    await expect(query(doomed.url, 'SELECT 1')).rejects.toThrow(/does not exist/)
  })

  it('error: a failed migration is reported, and the next one starts from an empty database', async () => {
    const failing = createTestDatabase({
      template: 'breaks once',
      migrate: async (url) => {
        await query(url, 'CREATE TABLE half (n int)')
        throw new Error('broken migration')
      },
    })
    await expect(failing).rejects.toThrow('broken migration')
    const repaired = await createTestDatabase({
      template: 'breaks once',
      migrate: async (url) => {
        await query(url, 'CREATE TABLE half (n int)')
      },
    })
    databases.push(repaired)
    expect(await query(repaired.url, 'SELECT n FROM half')).toEqual([])
  })
})
