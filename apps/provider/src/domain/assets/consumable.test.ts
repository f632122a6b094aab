import type { Credentials } from '@c2d/contracts'
import { describe, expect, it } from '@jest/globals'
import { deniedByCredentials } from './consumable.ts'

const ME = '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e'
const OTHER = `0x${'55'.repeat(20)}`
const addresses = (...values: string[]): NonNullable<Credentials['allow']> => [{ type: 'address', values }]

describe('credentials', () => {
  it.each<[string, Credentials | null, ReturnType<typeof deniedByCredentials>]>([
    ['let everybody in where there are none', null, null],
    ['let everybody in where both lists are empty', { allow: [], deny: addresses() }, null],
    ['let in who is on the allow list, in any casing', { allow: addresses(ME.toLowerCase()) }, null],
    ['keep out who is not on it', { allow: addresses(OTHER) }, 'CREDENTIAL_NOT_IN_ALLOW_LIST'],
    ['keep out who is on the deny list', { deny: addresses(OTHER, ME) }, 'CREDENTIAL_IN_DENY_LIST'],
    ['let the allow list decide alone', { allow: addresses(ME), deny: addresses(ME) }, null],
    [
      'keep out who is in any entry of the deny list',
      { deny: [...addresses(OTHER), ...addresses(ME)] },
      'CREDENTIAL_IN_DENY_LIST',
    ],
    ['let in who is in any entry of the allow list', { allow: [...addresses(OTHER), ...addresses(ME)] }, null],
    [
      'let nobody in where only what we cannot check is allowed',
      { allow: [{ type: 'did', values: ['x'] }] },
      'CREDENTIAL_NOT_IN_ALLOW_LIST',
    ],
    ['let in by address whatever else is allowed', { allow: [{ type: 'did', values: ['x'] }, ...addresses(ME)] }, null],
    ['ignore what we cannot check on the deny list', { deny: [{ type: 'did', values: ['x'] }] }, null],
    ['bear an entry without values', { allow: [{ type: 'address' }] }, null],
  ])('%s', (_title, credentials, denied) => {
    expect(deniedByCredentials(credentials, ME)).toBe(denied)
  })
})
