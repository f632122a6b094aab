import { createNonceTables, dropNonceTables, type Migration } from '@c2d/postgres'
import { createRevokedTokenTable, dropRevokedTokenTable } from '../revoked-tokens.ts'
import { createSpentTextTable, dropSpentTextTable } from '../spent-texts.ts'

/** The provider's own database: spent nonces, spent texts and revoked tokens. */
export const migrations: readonly Migration[] = [
  { name: '20260601000000_create_nonce_tables', up: createNonceTables, down: dropNonceTables },
  { name: '20260601000100_create_revoked_tokens', up: createRevokedTokenTable, down: dropRevokedTokenTable },
  { name: '20261121000000_create_spent_texts', up: createSpentTextTable, down: dropSpentTextTable },
]
