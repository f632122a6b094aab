import { createTestDatabase } from '@c2d/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  createNonceLedger,
  createNonceTables,
  dropNonceTables,
  isSchemaCurrent,
  migrateToLatest,
  openDatabase,
  rollbackLatest,
  type Database,
  type Migration,
  type NonceLedger,
} from '../../src/index.ts'

const MIGRATIONS: Migration[] = [{ name: '20260101000000_nonces', up: createNonceTables, down: dropNonceTables }]

let database: { url: string; drop(): Promise<void> }
let db: Database
let ledger: NonceLedger

beforeAll(async () => {
  database = await createTestDatabase({
    template: 'nonce-ledger',
    migrate: async (url) => {
      const template = openDatabase({ url, applicationName: 'template' })
      await migrateToLatest(template, MIGRATIONS)
      await template.destroy()
    },
  })
  db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 20 })
  ledger = createNonceLedger({ window: '100' }, { db })
})
afterAll(async () => {
  await db.destroy()
  await database.drop()
})

describe('nonce ledger', () => {
  it('knows no highest nonce of an address never seen', async () => {
    expect(await ledger.highest('0xAA00')).toBeNull()
  })

  it('spends a nonce once, whatever the casing of the address', async () => {
    expect(await ledger.spend('0xAbCd', '7')).toEqual({ fresh: true, highest: '7' })
    expect(await ledger.spend('0xABCD', '7')).toEqual({ fresh: false, highest: '7' })
    expect(await ledger.highest('0xabcd')).toBe('7')
  })

  it('behaviour: of 50 racing spends of one nonce exactly one wins', async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => ledger.spend('0xrace', '5')))
    expect(outcomes.filter((outcome) => outcome.fresh)).toHaveLength(1)
  })

  it('behaviour: racing spends of 50 nonces all win, whatever their order', async () => {
    const nonces = Array.from({ length: 50 }, (_, index) => String(1000 + index)).sort(() => Math.random() - 0.5)
    const outcomes = await Promise.all(nonces.map((nonce) => ledger.spend('0xmany', nonce)))
    expect(outcomes.every((outcome) => outcome.fresh)).toBe(true)
    expect(await ledger.highest('0xmany')).toBe('1049')
  })

  it('behaviour: below the window nothing passes, spent or not, and nothing is kept', async () => {
    await ledger.spend('0xwin', '950')
    await ledger.spend('0xwin', '1000')
    expect(await ledger.spend('0xwin', '900')).toEqual({ fresh: false, highest: '1000' })
    expect(await ledger.spend('0xwin', '901')).toEqual({ fresh: true, highest: '1000' })
    await ledger.spend('0xwin', '2000')
    expect(await ledger.spend('0xwin', '950')).toEqual({ fresh: false, highest: '2000' })
    const { rows } = await db.raw<{ rows: { nonce: string }[] }>(
      `SELECT nonce::text FROM nonce_spent WHERE address = '0xwin'`,
    )
    expect(rows).toEqual([{ nonce: '2000' }])
  })

  it('behaviour: nanosecond integers and fractions keep every digit', async () => {
    expect((await ledger.spend('0xns', '1700000000000000001')).fresh).toBe(true)
    expect((await ledger.spend('0xns', '1700000000000000002')).fresh).toBe(true)
    expect((await ledger.spend('0xfr', '1700000000000.123')).fresh).toBe(true)
    expect((await ledger.spend('0xfr', '1700000000000.124')).fresh).toBe(true)
    expect((await ledger.spend('0xfr', '1700000000000.1240')).fresh).toBe(false)
  })
})

describe('migrations', () => {
  it('go up and down, and tell whether they are current', async () => {
    const own = await createTestDatabase({ migrate: async () => {} })
    const other = openDatabase({ url: own.url, applicationName: 'test' })
    expect(await isSchemaCurrent(other, MIGRATIONS)).toBe(false)
    await Promise.all([migrateToLatest(other, MIGRATIONS)])
    expect(await isSchemaCurrent(other, MIGRATIONS)).toBe(true)
    await rollbackLatest(other, MIGRATIONS)
    expect(await isSchemaCurrent(other, MIGRATIONS)).toBe(false)
    await other.destroy()
    await own.drop()
  })
})
