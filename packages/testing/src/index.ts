export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './postgres.ts'
export { startTestChain, type TestChain } from './chain.ts'
export { createOceanActor, type OceanActor } from './ocean-actor.ts'
export { TEST_POD_PASSWORD } from './pod-password.ts'
