import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { buildProofJsonSchema } from './proof-json-schema.ts'

const FILE = fileURLToPath(new URL('../proof.schema.json', import.meta.url))

describe('proof.schema.json', () => {
  it('behaviour: is what the contracts say (npm run schema -w @c2d/contracts writes it)', async () => {
    const schema = buildProofJsonSchema()
    if (process.env['WRITE_SCHEMA'] === 'true') await writeFile(FILE, `${JSON.stringify(schema, null, 2)}\n`)
    expect(JSON.parse(await readFile(FILE, 'utf8'))).toEqual(schema)
  })
})
