import { createNonceTables, dropNonceTables, type Migration } from '@c2d/postgres'
import { createRevokedTokenTable, dropRevokedTokenTable } from '../revoked-tokens.ts'

/** The provider's own database: spent nonces and revoked tokens. */
export const migrations: readonly Migration[] = [
  { name: '20260601000000_create_nonce_tables', up: createNonceTables, down: dropNonceTables },
  { name: '20260601000100_create_revoked_tokens', up: createRevokedTokenTable, down: dropRevokedTokenTable },
]
