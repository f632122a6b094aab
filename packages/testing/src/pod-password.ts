/**
 * What pods of every test log in with. Their role, and so its password, belongs to the whole server, which test files
 * share: one that sets another takes the pods of all others their database away.
 */
export const TEST_POD_PASSWORD = "pod's-Password-1"

/** The connection string of a database as the role that pods report as. */
export function podDatabaseUrl(databaseUrl: string): string {
  return Object.assign(new URL(databaseUrl), { username: 'c2d_pod', password: TEST_POD_PASSWORD }).href
}
