import { createNonceTables, dropNonceTables, type Migration } from '@c2d/postgres'

/** The provider's own database: nonces, and nothing else. */
export const migrations: readonly Migration[] = [
  { name: '20260601000000_create_nonce_tables', up: createNonceTables, down: dropNonceTables },
]
