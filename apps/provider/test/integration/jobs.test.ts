import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { recoverSigner, signMessage } from '@c2d/chain'
import { DEV_ACCOUNTS } from '@c2d/dev-servers'
import { nextNonce, query, send } from './support/api.ts'
import { buildJob, RESULT_TEXT } from './support/fake-operator.ts'
import { startStack, type Stack } from './support/stack.ts'

const JOB_ID = '0123456789abcdef0123456789abcdef'
const AGREEMENT = `0x${'ab'.repeat(32)}`
const DID = `did:op:${'1'.repeat(64)}`
const COMPUTE = '/api/services/compute'

describe('a job, once it is started', () => {
  let stack: Stack
  let owner: string
  let key: string

  beforeAll(async () => {
    stack = await startStack()
    ;({ address: owner, key } = stack.consumer)
  })
  afterAll(() => stack.close())
  beforeEach(() => {
    stack.operator.seen.length = 0
    stack.operator.jobs = [
      buildJob({
        owner,
        inputDID: [DID],
        algoDID: DID,
        exitCode: 0,
        timeline: [{ what: 'claimed', atMs: 1, by: 'engine' }],
        proof: { sha256: 'a'.repeat(64), keyAddress: `0x${'b'.repeat(40)}`, signedAtMs: 2 },
        asset: { state: 'published', did: DID, transactions: { create: `0x${'c'.repeat(64)}` } },
        results: [{ filename: 'secret-name.csv', filesize: 12, type: 'output', index: 0 }],
      }),
    ]
  })

  const sign = (message: string): string => signMessage(message, key)

  describe('status', () => {
    it('tells a caller who did not sign only how far the job is', async () => {
      const answer = await query(stack, 'GET', COMPUTE, { consumerAddress: owner, jobId: JOB_ID })
      expect(answer.json).toEqual([
        {
          jobId: JOB_ID,
          owner,
          status: 1,
          statusText: 'Warming up',
          dateCreated: '1700000000.5',
          dateFinished: null,
          stopreq: 0,
          removed: 0,
          results: [{ type: 'output', index: 0 }],
        },
      ])
    })

    it('behaviour: an agreement is told back to whoever named it, with or without 0x', async () => {
      const parameters = { consumerAddress: owner, jobId: JOB_ID, agreementId: AGREEMENT.slice(2) }
      const answer = await query(stack, 'GET', COMPUTE, parameters)
      expect(answer.json).toMatchObject([{ agreementId: AGREEMENT }])
    })

    it('behaviour: an agreement that is a DID is ignored, a bare hash finds its 0x', async () => {
      await query(stack, 'GET', COMPUTE, { consumerAddress: owner, agreementId: DID })
      await query(stack, 'GET', COMPUTE, { consumerAddress: owner, agreementId: AGREEMENT.slice(2) })
      expect(stack.operator.seen.map((request) => request.query.get('agreementId'))).toEqual([null, AGREEMENT])
    })

    it('gives the owner who signed the operator’s whole answer', async () => {
      const nonce = nextNonce()
      const signature = sign(owner + JOB_ID + DID + nonce)
      const parameters = { consumerAddress: owner, jobId: JOB_ID, documentId: DID, nonce, signature }
      const answer = await query(stack, 'GET', COMPUTE, parameters)
      expect(answer.json).toEqual(stack.operator.jobs)
    })

    it('error: a signature of somebody else is not quietly ignored', async () => {
      const nonce = nextNonce()
      const signature = signMessage(owner + JOB_ID + nonce, stack.stranger.key)
      const answer = await query(stack, 'GET', COMPUTE, { consumerAddress: owner, jobId: JOB_ID, nonce, signature })
      expect(answer.status).toBe(400)
      expect(stack.operator.asked()).toEqual([])
    })

    it('behaviour: the operator is asked with a fresh signature of the provider', async () => {
      await query(stack, 'GET', COMPUTE, { consumerAddress: owner, jobId: JOB_ID })
      const [asked] = stack.operator.seen
      const signature = asked?.query.get('providerSignature') ?? ''
      const message = owner + JOB_ID + String(asked?.query.get('nonce'))
      expect(recoverSigner(message, signature)).toBe(DEV_ACCOUNTS.provider.address)
    })
  })

  describe('stop', () => {
    it('takes the message of ocean.py: job, DID and nonce, in the query', async () => {
      const nonce = nextNonce()
      const signature = sign(owner + JOB_ID + DID + nonce)
      const parameters = { consumerAddress: owner, jobId: JOB_ID, documentId: DID, nonce, signature }
      expect((await query(stack, 'PUT', COMPUTE, parameters)).status).toBe(200)
      expect(stack.operator.asked()).toEqual(['PUT compute'])
      expect((await query(stack, 'PUT', COMPUTE, parameters)).status).toBe(400)
    })

    it('takes the message of ocean.js 3.4: job alone, in the body', async () => {
      const body = {
        signature: sign(owner + JOB_ID),
        agreementId: '',
        consumerAddress: owner,
        nonce: '5',
        jobId: JOB_ID,
      }
      expect((await send(stack, 'PUT', COMPUTE, body)).status).toBe(200)
      expect(stack.operator.asked()).toEqual(['PUT compute'])
    })

    it('error: the text of another message does not stop a job', async () => {
      const body = { signature: sign(`${owner}${JOB_ID}05`), consumerAddress: owner, jobId: `${JOB_ID}05`, nonce: '5' }
      expect((await send(stack, 'PUT', COMPUTE, body)).status).toBe(400)
      expect(stack.operator.asked()).toEqual([])
    })

    it('error: of all jobs at once is not to be had', async () => {
      const nonce = nextNonce()
      for (const named of [{}, { documentId: DID }, { agreementId: 'ab'.repeat(32) }]) {
        for (const method of ['PUT', 'DELETE']) {
          const body = { consumerAddress: owner, ...named, nonce, signature: sign(owner + nonce) }
          const answer = await send(stack, method, COMPUTE, body)
          expect([answer.status, answer.json]).toMatchObject([400, { errors: { jobId: [expect.any(String)] } }])
        }
      }
      expect(stack.operator.asked()).toEqual([])
    })

    it('error: without a signature nothing happens', async () => {
      const answer = await send(stack, 'PUT', COMPUTE, { consumerAddress: owner, jobId: JOB_ID, nonce: nextNonce() })
      expect(answer.status).toBe(400)
      expect(answer.json).toMatchObject({ errors: { signature: [expect.any(String)] } })
      expect(stack.operator.asked()).toEqual([])
    })
  })

  describe('delete', () => {
    it('takes the message of ocean.js, which signs a nonce it does not send', async () => {
      const told = (await query(stack, 'GET', '/api/services/nonce', { userAddress: owner })).json as { nonce: string }
      const nonce = String(Number(told.nonce) + 1)
      const body = {
        documentId: DID,
        consumerAddress: owner,
        jobId: JOB_ID,
        signature: sign(owner + JOB_ID + DID + nonce),
      }
      const answer = await send(stack, 'DELETE', COMPUTE, body)
      expect([answer.status, answer.json]).toEqual([200, ''])
      const replayed = await send(stack, 'DELETE', COMPUTE, body)
      expect(replayed.json).toMatchObject({ errors: { nonce: ['The nonce field is required.'] } })
      expect(stack.operator.asked()).toEqual(['DELETE compute'])
    })
  })

  describe('a signature that was used', () => {
    // Values stand without separators in what is signed: read otherwise, they make other requests of the same text.
    const used = async (text: string, method: string, path: string, parameters: Record<string, string>) => {
      const answer = await query(stack, method, path, { consumerAddress: owner, ...parameters, signature: sign(text) })
      return answer.status
    }
    const RESULT = '/api/services/computeResult'

    it('error: for a result opens no other result, and neither shows, stops nor deletes its job', async () => {
      const nonce = nextNonce()
      const text = owner + JOB_ID + '12' + nonce
      expect(await used(text, 'GET', RESULT, { jobId: JOB_ID, index: '12', nonce })).toBe(200)
      const asked = stack.operator.asked().length
      expect(await used(text, 'GET', RESULT, { jobId: JOB_ID, index: '1', nonce: `2${nonce}` })).toBe(400)
      for (const method of ['GET', 'PUT', 'DELETE']) {
        expect(await used(text, method, COMPUTE, { jobId: JOB_ID, nonce: `12${nonce}` })).toBe(400)
        expect(await used(text, method, COMPUTE, { jobId: JOB_ID, documentId: '12', nonce })).toBe(400)
      }
      expect(stack.operator.asked()).toHaveLength(asked)
      const next = nextNonce()
      const parameters = { jobId: JOB_ID, index: '1', nonce: next }
      expect(await used(`${owner}${JOB_ID}1${next}`, 'GET', RESULT, parameters)).toBe(200)
    })

    it('behaviour: one that makes a text of before by chance costs a client that counts on one nonce, no more', async () => {
      const { address, key } = stack.stranger
      stack.operator.jobs = [buildJob({ owner: address })]
      const ask = async (path: string, parameters: Record<string, string>, text: string) => {
        const signed = { consumerAddress: address, jobId: JOB_ID, ...parameters, signature: signMessage(text, key) }
        return (await query(stack, 'GET', path, signed)).status
      }
      expect(await ask(RESULT, { index: '1', nonce: '2' }, `${address}${JOB_ID}12`)).toBe(200)
      for (let nonce = 3; nonce < 12; nonce += 1) {
        expect(await ask(COMPUTE, { nonce: String(nonce) }, `${address}${JOB_ID}${nonce}`)).toBe(200)
      }
      expect(await ask(COMPUTE, { nonce: '12' }, `${address}${JOB_ID}12`)).toBe(400)
      const last = await query(stack, 'GET', '/api/services/nonce', { userAddress: address })
      expect(last.json).toEqual({ nonce: '12' })
      expect(await ask(COMPUTE, { nonce: '13' }, `${address}${JOB_ID}13`)).toBe(200)
    })

    it('error: for a status opens no result, and none of another job', async () => {
      const nonce = nextNonce()
      const text = owner + JOB_ID + nonce
      expect(await used(text, 'GET', COMPUTE, { jobId: JOB_ID, nonce })).toBe(200)
      const other = 'f'.repeat(32)
      for (const digits of [1, 2, 3]) {
        const [index, rest] = [nonce.slice(0, digits), nonce.slice(digits)]
        expect(await used(text, 'GET', RESULT, { jobId: JOB_ID, index, nonce: rest })).toBe(400)
        expect(await used(text, 'GET', RESULT, { jobId: other, index, nonce: rest })).toBe(400)
      }
    })

    it('error: that names no job shows the caller’s jobs once, and opens and ends none', async () => {
      const nonce = nextNonce()
      const text = owner + nonce
      expect(await used(text, 'GET', COMPUTE, { nonce })).toBe(200)
      const asked = stack.operator.asked().length
      expect(await used(text, 'GET', COMPUTE, { nonce })).toBe(400)
      expect(await used(text, 'GET', RESULT, { jobId: nonce.slice(0, 3), index: '0', nonce: nonce.slice(4) })).toBe(400)
      expect(await used(text, 'PUT', COMPUTE, { jobId: nonce.slice(0, 3), nonce: nonce.slice(3) })).toBe(400)
      expect(stack.operator.asked()).toHaveLength(asked)
    })

    it('error: to make a token deletes none, nor shows jobs', async () => {
      const nonce = nextNonce()
      const expiration = String(Math.floor(Date.now() / 1000) + 60)
      const signature = sign(owner + expiration + nonce)
      const parameters = { address: owner, expiration, nonce, signature }
      const made = await query(stack, 'GET', '/api/services/createAuthToken', parameters)
      const { token } = made.json as { token: string }
      const shifted = { nonce: expiration + nonce, signature }
      const deleted = await send(stack, 'DELETE', '/api/services/deleteAuthToken', {
        address: owner,
        token,
        ...shifted,
      })
      expect(deleted.status).toBe(400)
      expect((await query(stack, 'GET', COMPUTE, { consumerAddress: owner, ...shifted })).status).toBe(400)
    })
  })

  describe('results', () => {
    const asked = (changes: Record<string, string> = {}): Record<string, string> => {
      const nonce = nextNonce()
      const signature = sign(`${owner}${JOB_ID}0${nonce}`)
      return { consumerAddress: owner, jobId: JOB_ID, index: '0', nonce, signature, ...changes }
    }

    it('streams one result to its owner, without what is nobody’s business', async () => {
      const answer = await query(stack, 'GET', '/api/services/computeResult', asked())
      expect([answer.status, answer.text]).toEqual([200, RESULT_TEXT])
      expect(answer.headers.get('content-disposition')).toBe('attachment;filename=result.txt')
      expect(answer.headers.get('x-internal')).toBeNull()
    })

    it('behaviour: ranges are passed through', async () => {
      const answer = await query(stack, 'GET', '/api/services/computeResult', asked(), { Range: 'bytes=4-9' })
      expect([answer.status, answer.text]).toEqual([206, RESULT_TEXT.slice(4, 10)])
    })

    it('error: another index than the signed one', async () => {
      const answer = await query(stack, 'GET', '/api/services/computeResult', asked({ index: '1' }))
      expect(answer.status).toBe(400)
      expect(stack.operator.asked()).toEqual([])
    })
  })
})
