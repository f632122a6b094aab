import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { buildSchemaReport } from '../schema/schema-report.ts'
import { createOperatorDatabase, type OperatorDatabase } from './operator-database.ts'

const FILE = fileURLToPath(new URL('../../schema.sql', import.meta.url))

let database: OperatorDatabase

beforeAll(async () => {
  database = await createOperatorDatabase()
})
afterAll(() => database.close())

describe('schema.sql', () => {
  it('behaviour: is what the migrations make (npm run schema -w @c2d/operator-db writes it)', async () => {
    const report = await buildSchemaReport(database.db)
    if (process.env['WRITE_SCHEMA'] === 'true') await writeFile(FILE, report)
    expect(await readFile(FILE, 'utf8')).toBe(report)
  })
})
