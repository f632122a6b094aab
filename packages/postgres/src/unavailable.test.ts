import { describe, expect, it } from '@jest/globals'
import { isDatabaseUnavailable } from './unavailable.ts'

const failure = (code: string | undefined, message = '') => Object.assign(new Error(message), { code })

describe('isDatabaseUnavailable', () => {
  it.each(['08006', '40P01', '53300', '57P01', '57P03', '57014', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT'])(
    'behaviour: %s may pass later',
    (code) => {
      expect(isDatabaseUnavailable(failure(code))).toBe(true)
    },
  )

  it.each(['Connection terminated unexpectedly', 'Knex: Timeout acquiring a connection. The pool is probably full.'])(
    'behaviour: so may "%s"',
    (message) => {
      expect(isDatabaseUnavailable(failure(undefined, message))).toBe(true)
    },
  )

  it.each(['23505', '42501', '42P01', '22P02', 'EACCES'])('behaviour: %s is about the statement', (code) => {
    expect(isDatabaseUnavailable(failure(code, 'select 1 - permission denied'))).toBe(false)
    expect(isDatabaseUnavailable(null)).toBe(false)
  })
})
