import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { AUTH_TOKEN_HEADER, type Quote } from '@c2d/contracts'
import { decodeJwt, SignJWT } from 'jose'
import { deriveAuthTokenSecret } from '../../src/domain/auth/auth-tokens.ts'
import { ask, buildStart, feeOf, nextNonce, orderRun, query, send, type Answer } from './support/api.ts'
import type { ChainActor } from './support/chain-actor.ts'
import { buildJob, RESULT_TEXT } from './support/fake-operator.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { AUTH_TOKEN_SECRET } from './support/provider-app.ts'
import { startStack, type Stack } from './support/stack.ts'

const CREATE = '/api/services/createAuthToken'
const DELETE = '/api/services/deleteAuthToken'
const DOWNLOAD = '/api/services/download'
const COMPUTE = '/api/services/compute'
const JOB_ID = '0123456789abcdef0123456789abcdef'
const NOT_SIGNED = 'Invalid signature provided. Please check the nonce or documentId.'

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

describe('auth tokens', () => {
  let stack: Stack
  let access: PublishedAsset
  let accessTx: string

  beforeAll(async () => {
    stack = await startStack()
    access = await stack.publish({ serviceType: 'access', files: [stack.origin.offer('/a.txt', 'hello')] })
    const quoted = await query(stack, 'GET', '/api/services/initialize', {
      documentId: access.did,
      serviceId: access.serviceId,
      consumerAddress: stack.consumer.address,
    })
    const fee = feeOf(quoted.json as Quote)
    accessTx = await stack.consumer.startOrder(access.datatoken, { consumer: stack.consumer.address, fee })
  })
  afterAll(() => stack.close())
  beforeEach(() => {
    stack.operator.seen.length = 0
    stack.operator.jobs = [buildJob({ owner: stack.consumer.address })]
  })

  function createForm(by: ChainActor, expiration: number): Record<string, string> {
    const nonce = nextNonce()
    const signature = signMessage(`${by.address}${expiration}${nonce}`, by.key)
    return { address: by.address, expiration: String(expiration), nonce, signature }
  }

  async function createToken(by: ChainActor = stack.consumer, expiration = inSeconds(3600)): Promise<string> {
    const answer = await query(stack, 'GET', CREATE, createForm(by, expiration))
    expect(answer.status).toBe(200)
    return (answer.json as { token: string }).token
  }

  function deleteToken(token: string, by: ChainActor = stack.consumer, message?: string): Promise<Answer> {
    const nonce = nextNonce()
    const signature = signMessage((message ?? by.address) + nonce, by.key)
    return send(stack, 'DELETE', DELETE, { address: by.address, token, nonce, signature })
  }

  function download(token: string, changes: Record<string, string> = {}): Promise<Answer> {
    const parameters = {
      fileIndex: '0',
      documentId: access.did,
      transferTxId: accessTx,
      serviceId: access.serviceId,
      consumerAddress: stack.consumer.address,
      nonce: nextNonce(),
      ...changes,
    }
    return query(stack, 'GET', DOWNLOAD, parameters, { [AUTH_TOKEN_HEADER]: token })
  }

  /** A token with these claims, by whoever has the secret. */
  const forge = (claims: Record<string, unknown>, secret: Uint8Array = AUTH_TOKEN_SECRET): Promise<string> =>
    new SignJWT({ address: stack.consumer.address, exp: inSeconds(3600), jti: 'one', ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(secret)

  /** The header and the payload as given, the signature of another token. */
  function tamper(token: string, header: object | null, claims: object | null): string {
    const [head = '', payload = '', signature = ''] = token.split('.')
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    return [
      header ? encode(header) : head,
      claims ? encode({ ...decodeJwt(token), ...claims }) : payload,
      signature,
    ].join('.')
  }

  const refusedAs = (...texts: string[]): object => ({
    errors: { signature: [NOT_SIGNED, ...texts] },
    message: 'Validation error',
    success: false,
  })

  describe('take the place of a signature', () => {
    it('on a download, as often as there are nonces', async () => {
      const token = await createToken()
      for (const _time of [1, 2]) {
        const answer = await download(token)
        expect([answer.status, answer.text]).toEqual([200, 'hello'])
      }
    })

    it('on decrypt', async () => {
      const token = await createToken()
      const form = {
        decrypterAddress: stack.consumer.address,
        chainId: 8996,
        dataNftAddress: access.nft,
        transactionId: access.metadataTransaction,
        nonce: nextNonce(),
      }
      const headers = { 'Content-Type': 'application/json', [AUTH_TOKEN_HEADER]: token }
      const answer = await ask(stack, 'POST', '/api/services/decrypt', { headers, body: JSON.stringify(form) })
      expect([answer.status, answer.json]).toEqual([201, access.document])
    })

    it('on the start of a job', async () => {
      const algorithm = await stack.publish({
        type: 'algorithm',
        serviceType: 'access',
        files: [stack.origin.offer('/algo.js', 'x')],
      })
      const dataset = await stack.publish({
        files: [stack.origin.offer('/d.csv', 'x')],
        compute: { publisherTrustedAlgorithms: ['*'] },
      })
      const run = await orderRun(stack, { dataset, algorithm })
      const { signature: _none, ...unsigned } = buildStart(run, stack.consumer)
      const headers = { 'Content-Type': 'application/json', [AUTH_TOKEN_HEADER]: await createToken() }
      const answer = await ask(stack, 'POST', COMPUTE, { headers, body: JSON.stringify(unsigned) })
      expect(answer.status).toBe(200)
      expect(stack.operator.starts()).toHaveLength(1)
      const again = await ask(stack, 'POST', COMPUTE, { headers, body: JSON.stringify(unsigned) })
      expect([again.status, stack.operator.starts().length]).toEqual([400, 1])
    })

    it('on status, stop, delete and results of jobs', async () => {
      const headers = { [AUTH_TOKEN_HEADER]: await createToken() }
      const consumerAddress = stack.consumer.address
      const form = (): Record<string, string> => ({ consumerAddress, jobId: JOB_ID, nonce: nextNonce() })
      expect((await query(stack, 'GET', COMPUTE, form(), headers)).json).toEqual(stack.operator.jobs)
      expect((await query(stack, 'PUT', COMPUTE, form(), headers)).status).toBe(200)
      expect((await query(stack, 'DELETE', COMPUTE, form(), headers)).status).toBe(200)
      const result = await query(stack, 'GET', '/api/services/computeResult', { ...form(), index: '0' }, headers)
      expect(result.text).toBe(RESULT_TEXT)
      expect(stack.operator.asked()).toEqual(['GET compute', 'PUT compute', 'DELETE compute', 'GET getResult'])
    })

    it('behaviour: a status that has a token but no nonce is answered like an unsigned one', async () => {
      const headers = { [AUTH_TOKEN_HEADER]: await createToken() }
      const parameters = { consumerAddress: stack.consumer.address, jobId: JOB_ID }
      const [job] = (await query(stack, 'GET', COMPUTE, parameters, headers)).json as object[]
      expect(job).not.toHaveProperty('inputDID')
    })

    it('error: a nonce is spent once, with a token as with a signature', async () => {
      const token = await createToken()
      const nonce = nextNonce()
      expect((await download(token, { nonce })).status).toBe(200)
      const replayed = await download(token, { nonce })
      expect(replayed.status).toBe(400)
      expect(replayed.json).toMatchObject({
        errors: { signature: expect.stringContaining(`> current nonce (${nonce}).`) },
      })
    })

    it('error: a signature that is given decides, whatever the token', async () => {
      const answer = await download(await createToken(), { signature: `0x${'11'.repeat(65)}` })
      expect([answer.status, answer.json]).toMatchObject([400, { errors: { signature: expect.any(String) } }])
    })

    it('error: a delete without a nonce, which a token does not imply', async () => {
      const headers = { 'Content-Type': 'application/json', [AUTH_TOKEN_HEADER]: await createToken() }
      const body = JSON.stringify({ consumerAddress: stack.consumer.address, jobId: JOB_ID })
      const answer = await ask(stack, 'DELETE', COMPUTE, { headers, body })
      expect(answer.json).toMatchObject({ errors: { nonce: ['The nonce field is required.'] } })
      expect(stack.operator.asked()).toEqual([])
    })
  })

  describe('are not taken', () => {
    it('error: from somebody else', async () => {
      const stolen = await createToken(stack.stranger)
      const answer = await download(stolen)
      expect([answer.status, answer.json]).toEqual([400, refusedAs('Token is invalid.')])
    })

    it('error: when they expired', async () => {
      const answer = await download(await forge({ exp: inSeconds(-1) }))
      expect([answer.status, answer.json]).toEqual([400, refusedAs('Token is expired.')])
    })

    it.each<[string, (token: string) => string | Promise<string>]>([
      ['with a later expiry', (token) => tamper(token, null, { exp: inSeconds(86_400) })],
      ['with another address', (token) => tamper(token, null, { address: stack.consumer.address })],
      ['with another id', (token) => tamper(token, null, { jti: 'another' })],
      ['with algorithm none', (token) => tamper(token, { alg: 'none', typ: 'JWT' }, null)],
      ['with algorithm none and no signature', (token) => tamper(token, { alg: 'none' }, null).replace(/[^.]*$/, '')],
      ['with another algorithm', (token) => tamper(token, { alg: 'HS512', typ: 'JWT' }, null)],
      ['of another provider', () => forge({}, Buffer.from('the secret of quite another provider'))],
      ['signed with the derived secret, where one is configured', () => forge({}, deriveAuthTokenSecret('0x01'))],
      ['without an id', () => forge({ jti: undefined })],
      ['without an expiry', () => forge({ exp: undefined })],
      ['whose address is a list', () => forge({ address: [stack.consumer.address] })],
      ['that is no token', () => 'Bearer nothing'],
    ])('error: %s', async (_what, change) => {
      const token = await change(await createToken(stack.stranger))
      const answer = await download(token)
      expect([answer.status, answer.json]).toEqual([400, refusedAs('Token is invalid.')])
    })

    it('error: when there is none, in the words without a reason', async () => {
      expect((await download('')).json).toEqual(refusedAs())
    })

    it('error: to make or to delete tokens', async () => {
      const token = await createToken()
      const headers = { [AUTH_TOKEN_HEADER]: token }
      const address = stack.consumer.address
      const make = { address, expiration: String(inSeconds(60)), nonce: nextNonce() }
      const made = await query(stack, 'GET', CREATE, make, headers)
      expect(made.json).toMatchObject({ errors: { signature: ['The signature field is required.', NOT_SIGNED] } })
      const deleted = await query(stack, 'DELETE', DELETE, { address, token, nonce: nextNonce() }, headers)
      expect([deleted.status, (await download(token)).status]).toEqual([400, 200])
    })
  })

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
      const token = await createToken(stack.consumer, expiration)
      const deleted = await deleteToken(token)
      expect([deleted.status, deleted.json]).toEqual([200, { success: 'Token has been deactivated.' }])
      const refused = await download(token)
      expect([refused.status, refused.json]).toEqual([400, refusedAs('Token is deleted.')])
      expect((await deleteToken(token)).json).toEqual({ error: 'Token is deleted.' })

      const another = await createToken(stack.consumer, expiration)
      expect(another).not.toBe(token)
      expect([(await download(another)).status, (await download(token)).status]).toEqual([200, 400])
    })

    it('behaviour: a signature that covers the token does as well', async () => {
      const token = await createToken()
      const answer = await deleteToken(token, stack.consumer, stack.consumer.address + token)
      expect(answer.status).toBe(200)
    })

    it('behaviour: what is kept of them is no token', async () => {
      const token = await createToken()
      await deleteToken(token)
      const rows = JSON.stringify(await stack.db('revoked_auth_tokens').select())
      expect(rows).toContain('hash')
      for (const part of token.split('.')) expect(rows).not.toContain(part)
    })

    it('error: not by others', async () => {
      const token = await createToken()
      expect((await deleteToken(token, stack.stranger)).json).toEqual({ error: 'Token is invalid.' })
      expect((await download(token)).status).toBe(200)
    })

    it('error: not when they have expired', async () => {
      expect((await deleteToken(await forge({ exp: inSeconds(-1) }))).json).toEqual({ error: 'Token is expired.' })
    })

    it('error: not by a signature that was used', async () => {
      const { address, key } = stack.consumer
      const nonce = nextNonce()
      const form = (token: string) => ({ address, token, nonce, signature: signMessage(address + nonce, key) })
      const [first, second] = [await createToken(), await createToken()]
      expect((await send(stack, 'DELETE', DELETE, form(first))).status).toBe(200)
      expect((await send(stack, 'DELETE', DELETE, form(second))).status).toBe(400)
      expect((await download(second)).status).toBe(200)
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
