export * from './connection.ts'
export * from './migrate.ts'
export * from './nonce-ledger.ts'
export * from './unavailable.ts'
