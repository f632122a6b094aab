export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './postgres.ts'
export { startTestChain, type TestChain } from './chain.ts'
