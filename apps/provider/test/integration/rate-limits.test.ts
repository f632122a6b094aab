import { afterEach, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import {
  DOWNLOAD_TOKEN_HEADER,
  downloadGrantMessage,
  formatDownloadToken,
  JOB_STATUS,
  type DownloadGrant,
} from '@c2d/contracts'
import { orderAccess, signedDownload } from './support/access.ts'
import { ask, nextNonce, query, send } from './support/api.ts'
import { buildJob } from './support/fake-operator.ts'
import { publishOrderedPair } from './support/ordered-pair.ts'
import { ENVIRONMENT_KEY, startStack, type Stack } from './support/stack.ts'

const DOWNLOAD = '/api/services/download'
const FILEINFO = '/api/services/fileinfo'
const JOB_ID = '0123456789abcdef0123456789abcdef'

describe('how often somebody may ask', () => {
  let stack: Stack
  afterEach(() => stack.close())

  const root = async (headers = {}): Promise<number> => (await ask(stack, 'GET', '/', { headers })).status
  let host = 0
  const fromElsewhere = (): Record<string, string> => ({ 'X-Forwarded-For': `203.0.113.${(host += 1)}` })

  it('limits what one client address asks, but not whether we are well', async () => {
    stack = await startStack({ rateLimitPerMinute: 5 })
    const answers = []
    for (let count = 0; count < 5; count++) answers.push(await root())
    expect(answers).toEqual([200, 200, 200, 200, 200])
    const refused = await ask(stack, 'GET', '/')
    expect([refused.status, refused.json]).toEqual([
      429,
      { error: expect.stringMatching(/^Too many requests: try again in \d+ s\.$/) },
    ])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await root({ 'X-Forwarded-For': '203.0.113.9' })).toBe(429)
    expect((await ask(stack, 'GET', '/healthz')).status).toBe(200)
    const { text } = await ask(stack, 'GET', '/metrics')
    expect(text).toContain('c2d_provider_refusals_total{code="TooManyRequests",rule=""} 2')
  })

  describe('with the token of a job', () => {
    const grant = (changes: Partial<DownloadGrant> = {}): DownloadGrant => ({
      jobId: JOB_ID,
      environment: 'free',
      consumerAddress: stack.environmentAddress,
      transferTxId: `0x${'12'.repeat(32)}`,
      did: `did:op:${'0'.repeat(64)}`,
      serviceId: 'a-service',
      expiresAt: Math.floor(Date.now() / 1000) + 600,
      ...changes,
    })
    const tokenOf = (one: DownloadGrant): Record<string, string> => ({
      [DOWNLOAD_TOKEN_HEADER]: formatDownloadToken(one, signMessage(downloadGrantMessage(one), ENVIRONMENT_KEY)),
    })

    it('behaviour: downloads for jobs have a share of their own', async () => {
      stack = await startStack({ rateLimitPerMinute: 2 })
      const { run } = await publishOrderedPair(stack)
      const { documentId: did, serviceId, transferTxId } = run.dataset
      const status = JOB_STATUS.configuring.code
      stack.operator.jobs = [buildJob({ jobId: JOB_ID, owner: stack.consumer.address, status, inputDID: [did] })]
      const headers = tokenOf(grant({ did, serviceId, transferTxId }))
      const asked = { documentId: did, serviceId, transferTxId, fileIndex: '0' }
      const parameters = { ...asked, consumerAddress: stack.environmentAddress }
      for (let count = 0; count < 8; count++) {
        const answer = await query(stack, 'GET', DOWNLOAD, parameters, headers)
        expect([answer.status, answer.text]).toEqual([200, 'a,b\n1,2\n'])
      }
    })

    it('error: the header alone lets nobody ask for anything else more often', async () => {
      stack = await startStack({ rateLimitPerMinute: 2 })
      const headers = tokenOf(grant())
      expect([await root(headers), await root(headers), await root(headers)]).toEqual([200, 200, 429])
    })

    it('error: nor does one that opens nothing, or is none', async () => {
      stack = await startStack({ rateLimitPerMinute: 2, trustedProxies: 1 })
      for (const headers of [tokenOf(grant()), { [DOWNLOAD_TOKEN_HEADER]: 'x' }]) {
        const address = fromElsewhere()
        const { did: documentId, serviceId, transferTxId, consumerAddress } = grant()
        const parameters = { documentId, serviceId, transferTxId, consumerAddress, fileIndex: '0' }
        const statuses = []
        for (let count = 0; count < 3; count++) {
          statuses.push((await query(stack, 'GET', DOWNLOAD, parameters, { ...headers, ...address })).status)
        }
        expect(statuses).toEqual([400, 400, 429])
      }
    })

    it('error: a token goes with an asset, never with a file of the caller’s own', async () => {
      stack = await startStack({ rateLimitPerMinute: 2 })
      const file = stack.origin.offer('/mine', 'mine')
      const headers = { 'Content-Type': 'application/json', ...tokenOf(grant()) }
      const answer = await ask(stack, 'POST', FILEINFO, { headers, body: JSON.stringify(file) })
      expect([answer.status, answer.json]).toEqual([
        400,
        { errors: { did: [expect.any(String)] }, message: 'Validation error', success: false },
      ])
      expect(stack.origin.seen).toEqual([])
    })
  })

  it('limits what one consumer signs, from wherever, and nobody else by it', async () => {
    stack = await startStack({ rateLimitPerMinute: 6, trustedProxies: 1 })
    const order = await orderAccess(stack, stack.origin.offer('/a.txt', 'hello'))
    const download = async (changes = {}) =>
      query(stack, 'GET', DOWNLOAD, signedDownload(stack, order, changes), fromElsewhere())
    // What is not proven is not counted: it may be anybody's.
    for (let count = 0; count < 10; count++) expect((await download({ nonce: '7' })).status).toBe(400)
    for (let count = 0; count < 6; count++) expect((await download()).status).toBe(200)
    const limited = signedDownload(stack, order)
    expect((await query(stack, 'GET', DOWNLOAD, limited, fromElsewhere())).status).toBe(429)
    const spent = await stack.db('nonce_spent').where({ nonce: limited['nonce'] ?? '' })
    expect(spent).toEqual([])
  })

  it('error: a link that was seen uses up its signer’s share for nobody', async () => {
    stack = await startStack({ rateLimitPerMinute: 3, trustedProxies: 1 })
    const order = await orderAccess(stack, stack.origin.offer('/a.txt', 'hello'))
    const seen = signedDownload(stack, order)
    expect((await query(stack, 'GET', DOWNLOAD, seen, fromElsewhere())).status).toBe(200)
    for (let count = 0; count < 10; count++) {
      const replayed = await query(stack, 'GET', DOWNLOAD, seen, fromElsewhere())
      expect([replayed.status, replayed.text]).toEqual([400, expect.stringContaining('expected nonce')])
    }
    const answer = await query(stack, 'GET', DOWNLOAD, signedDownload(stack, order), fromElsewhere())
    expect([answer.status, answer.text]).toEqual([200, 'hello'])
  })

  it('error: so does a question that was seen before its start', async () => {
    stack = await startStack({ rateLimitPerMinute: 3, trustedProxies: 1 })
    const nonce = nextNonce()
    const { address, key } = stack.consumer
    const documentId = `did:op:${'0'.repeat(64)}`
    const body = {
      consumerAddress: address,
      nonce,
      signature: signMessage(address + documentId + nonce, key),
      dataset: { documentId, serviceId: 's', transferTxId: `0x${'12'.repeat(32)}` },
      algorithm: { meta: { rawcode: '1' } },
    }
    expect((await send(stack, 'POST', '/api/services/compute', body)).status).toBe(400)
    for (let count = 0; count < 10; count++) {
      const headers = { 'Content-Type': 'application/json', ...fromElsewhere() }
      const init = { headers, body: JSON.stringify(body) }
      expect((await ask(stack, 'POST', '/api/services/compute/explain', init)).status).toBe(400)
    }
    const order = await orderAccess(stack, stack.origin.offer('/a.txt', 'hello'))
    expect((await query(stack, 'GET', DOWNLOAD, signedDownload(stack, order), fromElsewhere())).status).toBe(200)
  })
})
