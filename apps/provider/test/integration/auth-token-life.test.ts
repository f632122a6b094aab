import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { nextNonce, query, send } from './support/api.ts'
import { startStack, type Stack } from './support/stack.ts'
import {
  CREATE,
  createForm,
  DELETE,
  inSeconds,
  openTokenDesk,
  refusedAs,
  type TokenDesk,
} from './support/token-desk.ts'

describe('auth tokens', () => {
  let stack: Stack
  let desk: TokenDesk

  beforeAll(async () => {
    stack = await startStack()
    desk = await openTokenDesk(stack)
  })
  afterAll(() => stack.close())

  describe('are made', () => {
    it('error: not for a signature that does not cover the expiry', async () => {
      const nonce = nextNonce()
      const { address, key } = stack.consumer
      const signature = signMessage(address + nonce, key)
      const expiration = String(inSeconds(60))
      expect((await query(stack, 'GET', CREATE, { address, expiration, nonce, signature })).status).toBe(400)
    })

    it('error: not for a longer life than was signed', async () => {
      const form = createForm(stack.consumer, inSeconds(60))
      const answer = await query(stack, 'GET', CREATE, { ...form, expiration: String(inSeconds(3600)) })
      expect(answer.status).toBe(400)
    })

    it('error: not with digits moved from the nonce to the expiry', async () => {
      const { nonce = '', expiration = '', ...rest } = createForm(stack.consumer, inSeconds(60))
      const moved = { ...rest, expiration: expiration + nonce.slice(0, 1), nonce: nonce.slice(1) }
      const answer = await query(stack, 'GET', CREATE, moved)
      expect(answer.json).toMatchObject({ errors: { expiration: [expect.stringContaining('at most 86400 seconds')] } })
    })

    it('error: not for longer than this provider allows', async () => {
      const answer = await query(stack, 'GET', CREATE, createForm(stack.consumer, inSeconds(86_500)))
      expect([answer.status, answer.json]).toMatchObject([
        400,
        { errors: { expiration: ['The expiration may be at most 86400 seconds from now.'] } },
      ])
    })

    it('error: not for the past, nor in milliseconds', async () => {
      const answer = await query(stack, 'GET', CREATE, createForm(stack.consumer, inSeconds(-1)))
      expect(answer.json).toMatchObject({ errors: { expiration: ['Invalid timestamp provided.'] } })
      expect((await query(stack, 'GET', CREATE, createForm(stack.consumer, Date.now() + 60_000))).status).toBe(400)
    })

    it('error: not twice with one signature', async () => {
      const form = createForm(stack.consumer, inSeconds(60))
      const answers = await Promise.all(Array.from({ length: 5 }, () => query(stack, 'GET', CREATE, form)))
      expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400, 400, 400, 400])
    })

    it('error: not for somebody else', async () => {
      const form = createForm(stack.stranger, inSeconds(60))
      expect((await query(stack, 'GET', CREATE, { ...form, address: stack.consumer.address })).status).toBe(400)
    })

    it('behaviour: and are kept by nobody on the way', async () => {
      const answer = await query(stack, 'GET', CREATE, createForm(stack.consumer, inSeconds(60)))
      expect(answer.headers.get('cache-control')).toBe('no-store')
    })
  })

  describe('are deleted', () => {
    it('by their address, once, and never come back', async () => {
      const expiration = inSeconds(600)
      const token = await desk.createToken(stack.consumer, expiration)
      const deleted = await desk.deleteToken(token)
      expect([deleted.status, deleted.json]).toEqual([200, { success: 'Token has been deactivated.' }])
      const refused = await desk.download(token)
      expect([refused.status, refused.json]).toEqual([400, refusedAs('Token is deleted.')])
      expect((await desk.deleteToken(token)).json).toEqual({ error: 'Token is deleted.' })

      const another = await desk.createToken(stack.consumer, expiration)
      expect(another).not.toBe(token)
      expect([(await desk.download(another)).status, (await desk.download(token)).status]).toEqual([200, 400])
    })

    it('behaviour: a signature that covers the token does as well', async () => {
      const token = await desk.createToken()
      const answer = await desk.deleteToken(token, stack.consumer, stack.consumer.address + token)
      expect(answer.status).toBe(200)
    })

    it('behaviour: what is kept of them is no token', async () => {
      const token = await desk.createToken()
      await desk.deleteToken(token)
      const rows = JSON.stringify(await stack.db('revoked_auth_tokens').select())
      expect(rows).toContain('hash')
      for (const part of token.split('.')) expect(rows).not.toContain(part)
    })

    it('error: not by others', async () => {
      const token = await desk.createToken()
      expect((await desk.deleteToken(token, stack.stranger)).json).toEqual({ error: 'Token is invalid.' })
      expect((await desk.download(token)).status).toBe(200)
    })

    it('error: not when they have expired', async () => {
      expect((await desk.deleteToken(await desk.forge({ exp: inSeconds(-1) }))).json).toEqual({
        error: 'Token is expired.',
      })
    })

    it('error: not by a signature that was used', async () => {
      const { address, key } = stack.consumer
      const nonce = nextNonce()
      const form = (token: string) => ({ address, token, nonce, signature: signMessage(address + nonce, key) })
      const [first, second] = [await desk.createToken(), await desk.createToken()]
      expect((await send(stack, 'DELETE', DELETE, form(first))).status).toBe(200)
      expect((await send(stack, 'DELETE', DELETE, form(second))).status).toBe(400)
      expect((await desk.download(second)).status).toBe(200)
    })
  })
})

describe('auth tokens of the legacy kind', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack({ allowsLegacyAuthTokens: true })
  })
  afterAll(() => stack.close())

  it('are made for a signature of address and nonce, once', async () => {
    const { address, key } = stack.consumer
    const nonce = nextNonce()
    const form = { address, expiration: String(inSeconds(60)), nonce, signature: signMessage(address + nonce, key) }
    expect((await query(stack, 'GET', CREATE, form)).json).toEqual({ token: expect.any(String) })
    expect((await query(stack, 'GET', CREATE, form)).status).toBe(400)
  })
})
