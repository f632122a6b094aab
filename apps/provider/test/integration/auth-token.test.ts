import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { AUTH_TOKEN_HEADER } from '@c2d/contracts'
import { decodeJwt } from 'jose'
import { deriveAuthTokenSecret } from '../../src/domain/auth/auth-tokens.ts'
import { ask, buildStart, nextNonce, query } from './support/api.ts'
import { buildJob, RESULT_TEXT } from './support/fake-operator.ts'
import { publishOrderedPair } from './support/ordered-pair.ts'
import { startStack, type Stack } from './support/stack.ts'
import {
  CREATE,
  DELETE,
  inSeconds,
  NOT_SIGNED,
  openTokenDesk,
  refusedAs,
  type TokenDesk,
} from './support/token-desk.ts'

const COMPUTE = '/api/services/compute'
const JOB_ID = '0123456789abcdef0123456789abcdef'

describe('auth tokens', () => {
  let stack: Stack
  let desk: TokenDesk

  beforeAll(async () => {
    stack = await startStack()
    desk = await openTokenDesk(stack)
  })
  afterAll(() => stack.close())
  beforeEach(() => {
    stack.operator.seen.length = 0
    stack.operator.jobs = [buildJob({ owner: stack.consumer.address })]
  })

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

  describe('take the place of a signature', () => {
    it('on a download, as often as there are nonces', async () => {
      const token = await desk.createToken()
      for (const _time of [1, 2]) {
        const answer = await desk.download(token)
        expect([answer.status, answer.text]).toEqual([200, 'hello'])
      }
    })

    it('on decrypt', async () => {
      const token = await desk.createToken()
      const { asset } = desk.ordered
      const form = {
        decrypterAddress: stack.consumer.address,
        chainId: 8996,
        dataNftAddress: asset.nft,
        transactionId: asset.metadataTransaction,
        nonce: nextNonce(),
      }
      const headers = { 'Content-Type': 'application/json', [AUTH_TOKEN_HEADER]: token }
      const answer = await ask(stack, 'POST', '/api/services/decrypt', { headers, body: JSON.stringify(form) })
      expect([answer.status, answer.json]).toEqual([201, asset.document])
    })

    it('on the start of a job', async () => {
      const { run } = await publishOrderedPair(stack)
      const { signature: _none, ...unsigned } = buildStart(run, stack.consumer)
      const headers = { 'Content-Type': 'application/json', [AUTH_TOKEN_HEADER]: await desk.createToken() }
      const answer = await ask(stack, 'POST', COMPUTE, { headers, body: JSON.stringify(unsigned) })
      expect(answer.status).toBe(200)
      expect(stack.operator.starts()).toHaveLength(1)
      const again = await ask(stack, 'POST', COMPUTE, { headers, body: JSON.stringify(unsigned) })
      expect([again.status, stack.operator.starts().length]).toEqual([400, 1])
    })

    it('on status, stop, delete and results of jobs', async () => {
      const headers = { [AUTH_TOKEN_HEADER]: await desk.createToken() }
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
      const headers = { [AUTH_TOKEN_HEADER]: await desk.createToken() }
      const parameters = { consumerAddress: stack.consumer.address, jobId: JOB_ID }
      const [job] = (await query(stack, 'GET', COMPUTE, parameters, headers)).json as object[]
      expect(job).not.toHaveProperty('inputDID')
    })

    it('error: a nonce is spent once, with a token as with a signature', async () => {
      const token = await desk.createToken()
      const nonce = nextNonce()
      expect((await desk.download(token, { nonce })).status).toBe(200)
      const replayed = await desk.download(token, { nonce })
      expect(replayed.status).toBe(400)
      expect(replayed.json).toMatchObject({
        errors: { signature: expect.stringContaining(`> current nonce (${nonce}).`) },
      })
    })

    it('error: a signature that is given decides, whatever the token', async () => {
      const answer = await desk.download(await desk.createToken(), { signature: `0x${'11'.repeat(65)}` })
      expect([answer.status, answer.json]).toMatchObject([400, { errors: { signature: expect.any(String) } }])
    })

    it('error: a delete without a nonce, which a token does not imply', async () => {
      const headers = { 'Content-Type': 'application/json', [AUTH_TOKEN_HEADER]: await desk.createToken() }
      const body = JSON.stringify({ consumerAddress: stack.consumer.address, jobId: JOB_ID })
      const answer = await ask(stack, 'DELETE', COMPUTE, { headers, body })
      expect(answer.json).toMatchObject({ errors: { nonce: ['The nonce field is required.'] } })
      expect(stack.operator.asked()).toEqual([])
    })
  })

  describe('are not taken', () => {
    it('error: from somebody else', async () => {
      const stolen = await desk.createToken(stack.stranger)
      const answer = await desk.download(stolen)
      expect([answer.status, answer.json]).toEqual([400, refusedAs('Token is invalid.')])
    })

    it('error: when they expired', async () => {
      const answer = await desk.download(await desk.forge({ exp: inSeconds(-1) }))
      expect([answer.status, answer.json]).toEqual([400, refusedAs('Token is expired.')])
    })

    it.each<[string, (token: string) => string | Promise<string>]>([
      ['with a later expiry', (token) => tamper(token, null, { exp: inSeconds(86_400) })],
      ['with another address', (token) => tamper(token, null, { address: stack.consumer.address })],
      ['with another id', (token) => tamper(token, null, { jti: 'another' })],
      ['with algorithm none', (token) => tamper(token, { alg: 'none', typ: 'JWT' }, null)],
      ['with algorithm none and no signature', (token) => tamper(token, { alg: 'none' }, null).replace(/[^.]*$/, '')],
      ['with another algorithm', (token) => tamper(token, { alg: 'HS512', typ: 'JWT' }, null)],
      ['of another provider', () => desk.forge({}, Buffer.from('the secret of quite another provider'))],
      ['signed with the derived secret, where one is configured', () => desk.forge({}, deriveAuthTokenSecret('0x01'))],
      ['without an id', () => desk.forge({ jti: undefined })],
      ['without an expiry', () => desk.forge({ exp: undefined })],
      ['whose address is a list', () => desk.forge({ address: [stack.consumer.address] })],
      ['that is no token', () => 'Bearer nothing'],
    ])('error: %s', async (_what, change) => {
      const token = await change(await desk.createToken(stack.stranger))
      const answer = await desk.download(token)
      expect([answer.status, answer.json]).toEqual([400, refusedAs('Token is invalid.')])
    })

    it('error: when there is none, in the words without a reason', async () => {
      expect((await desk.download('')).json).toEqual(refusedAs())
    })

    it('error: to make or to delete tokens', async () => {
      const token = await desk.createToken()
      const headers = { [AUTH_TOKEN_HEADER]: token }
      const address = stack.consumer.address
      const make = { address, expiration: String(inSeconds(60)), nonce: nextNonce() }
      const made = await query(stack, 'GET', CREATE, make, headers)
      expect(made.json).toMatchObject({ errors: { signature: ['The signature field is required.', NOT_SIGNED] } })
      const deleted = await query(stack, 'DELETE', DELETE, { address, token, nonce: nextNonce() }, headers)
      expect([deleted.status, (await desk.download(token)).status]).toEqual([400, 200])
    })
  })
})
