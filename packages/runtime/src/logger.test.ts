import { describe, expect, it } from '@jest/globals'
import { createLogger } from './logger.ts'
import { Secret } from './secret.ts'

const SECRETS = ['signature', 'providerSignature', 'consumerSignature', 'token', 'password', 'privateKey', 'secret']

describe('createLogger', () => {
  it('writes JSON lines that never hold a secret, alone, one level down or wrapped', () => {
    const lines: string[] = []
    const log = createLogger({
      component: 'test',
      level: 'info',
      destination: { write: (line) => void lines.push(line) },
    })
    for (const name of SECRETS) {
      log.info({ [name]: 'hunter2' }, 'alone')
      log.child({ part: 'x' }).warn({ body: { [name]: 'hunter2' } }, 'one level down')
    }
    log.error({ anything: new Secret('hunter2') }, 'wrapped')
    log.debug({ quiet: true }, 'below the level')
    expect(lines).toHaveLength(SECRETS.length * 2 + 1)
    expect(lines.join('')).not.toContain('hunter2')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      component: 'test',
      msg: 'alone',
      signature: '[redacted]',
    })
  })
})
