import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { Database } from '@c2d/postgres'
import { POD_ROLE } from './channel.ts'

const ITERATIONS = 4096
const ATTEMPTS = 5

/**
 * Sets the password that pods connect with. The server is given a SCRAM verifier (RFC 5803), so that the password
 * itself appears in no statement log.
 * @param password printable ASCII
 * @throws RangeError for any other password
 */
export async function setPodPassword(db: Database, password: string): Promise<void> {
  if (!/^[\x21-\x7e]+$/.test(password)) throw new RangeError('the password of pods must be printable ASCII')
  const statement = `ALTER ROLE ${POD_ROLE} PASSWORD '${buildVerifier(password)}'`
  for (let attempt = 1; ; attempt += 1) {
    try {
      await db.raw(statement)
      return
    } catch (error) {
      // Roles belong to the whole server: another process may be setting the password in this very moment.
      if (attempt === ATTEMPTS || !/tuple concurrently updated/.test(String(error))) throw error
    }
  }
}

function buildVerifier(password: string): string {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256')
  const keyOf = (label: string): Buffer => createHmac('sha256', salted).update(label).digest()
  const storedKey = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${keyOf('Server Key').toString('base64')}`
}
