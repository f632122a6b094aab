import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { eciesDecrypt, eciesEncrypt, sha256Hex, signMessage } from '@c2d/chain'
import { PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { DEV_ACCOUNTS } from '@c2d/dev-servers'
import { ask, nextNonce, query, send, type Answer } from './support/api.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

describe('the open part of the door', () => {
  let stack: Stack
  let asset: PublishedAsset

  beforeAll(async () => {
    stack = await startStack()
    asset = await stack.publish({ serviceType: 'access', files: [stack.origin.offer('/a.txt', 'hello')] })
  })
  afterAll(() => stack.close())

  it('says who it is and where everything is', async () => {
    expect((await ask(stack, 'GET', '/')).json).toEqual({
      chainIds: [8996],
      providerAddresses: { '8996': DEV_ACCOUNTS.provider.address },
      serviceEndpoints: PROVIDER_ENDPOINTS,
      software: 'Provider',
      version: '0.0.0',
    })
    expect((await ask(stack, 'GET', '/readyz')).status).toBe(200)
  })

  it('error: unknown paths and methods are answered in the words of the router', async () => {
    const missing = await ask(stack, 'GET', '/api/services/nothing')
    expect(missing.status).toBe(404)
    expect(missing.json).toMatchObject({ context: null, error: expect.stringMatching(/^404 Not Found: /) })
    expect((await ask(stack, 'PATCH', '/api/services/compute')).status).toBe(405)
  })

  it('behaviour: an unknown address has nonce 1, and asking stores nothing', async () => {
    const userAddress = `0x${'77'.repeat(20)}`
    for (const _time of [1, 2]) {
      expect((await query(stack, 'GET', '/api/services/nonce', { userAddress })).json).toEqual({ nonce: '1' })
    }
    expect(await stack.db('nonce_highest').count()).toEqual([{ count: '0' }])
    expect((await ask(stack, 'GET', '/api/services/nonce')).json).toEqual({
      errors: { userAddress: ['The userAddress field is required.'] },
      message: 'Validation error',
      success: false,
    })
  })

  describe('encrypt', () => {
    const encrypt = (chainId: string, contentType: string): Promise<Answer> =>
      ask(stack, 'POST', `/api/services/encrypt${chainId}`, {
        headers: { 'Content-Type': contentType },
        body: '{"a": 1}',
      })

    it('answers bare hex that opens to the very bytes', async () => {
      const answer = await encrypt('?chainId=8996', 'application/octet-stream')
      expect(answer.status).toBe(201)
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/)
      expect(answer.text).toMatch(/^0x04[0-9a-f]+$/)
      const opened = eciesDecrypt(PROVIDER_KEY, Buffer.from(answer.text.slice(2), 'hex'))
      expect(Buffer.from(opened).toString()).toBe('{"a": 1}')
    })

    it('error: says what is missing', async () => {
      expect((await encrypt('?chainId=8996', 'application/json')).json).toEqual({
        error: 'Invalid request content type: should be application/octet-stream',
      })
      expect((await encrypt('', 'application/octet-stream')).json).toEqual({
        error: 'Missing chainId query parameter.',
      })
    })
  })

  describe('decrypt', () => {
    const text = '{"hello":"world"}'
    const direct = (flags: unknown, changes: Record<string, unknown> = {}): Record<string, unknown> => ({
      encryptedDocument: `0x${Buffer.from(eciesEncrypt(PROVIDER_KEY, Buffer.from(text))).toString('hex')}`,
      flags,
      documentHash: `0x${sha256Hex(text)}`,
      ...changes,
    })

    function decrypt(form: Record<string, unknown>): Promise<Answer> {
      const { address, key } = stack.stranger
      const nonce = nextNonce()
      const target = typeof form['transactionId'] === 'string' ? form['transactionId'] : asset.nft
      return send(stack, 'POST', '/api/services/decrypt', {
        decrypterAddress: address,
        chainId: 8996,
        dataNftAddress: asset.nft,
        nonce,
        signature: signMessage(`${target}${address}8996${nonce}`, key),
        ...form,
      })
    }

    it('opens what a transaction published', async () => {
      const answer = await decrypt({ transactionId: asset.metadataTransaction })
      expect(answer.status).toBe(201)
      expect(answer.json).toEqual(asset.document)
    })

    it('opens what is handed over', async () => {
      const answer = await decrypt(direct(2))
      expect([answer.status, answer.text]).toEqual([201, text])
    })

    it.each<[string, () => Record<string, unknown>, string]>([
      ['a compressed document', () => direct(3), 'Failed to decompress'],
      ['flags that are a text', () => direct('2'), 'Failed to convert input args to bytes.'],
      ['bytes not encrypted to us', () => direct(2, { encryptedDocument: '0x1234' }), 'Failed to decrypt.'],
      ['another hash', () => direct(2, { documentHash: `0x${'0'.repeat(64)}` }), "Checksum doesn't match."],
      [
        'a transaction nobody sent',
        () => ({ transactionId: `0x${'1'.repeat(64)}` }),
        'Failed to process transaction id.',
      ],
    ])('error: %s', async (_name, form, error) => {
      const answer = await decrypt(form())
      expect([answer.status, answer.json]).toEqual([400, { error }])
    })

    it('error: neither form is given', async () => {
      expect((await decrypt({})).json).toMatchObject({
        errors: {
          encryptedDocument: ['The encryptedDocument field is required when transactionId is not present.'],
        },
      })
    })

    it('behaviour: the state of the asset decides', async () => {
      await stack.publisher.setState(asset.nft, 2)
      const answer = await decrypt({ transactionId: asset.metadataTransaction })
      expect([answer.status, answer.json]).toEqual([403, { error: 'Asset deprecated' }])
      await stack.publisher.setState(asset.nft, 0)
    })
  })

  describe('environments', () => {
    it('are keyed by chain, with numeric prices and the fee token', async () => {
      expect((await ask(stack, 'GET', '/api/services/computeEnvironments')).json).toMatchObject({
        '8996': [
          { id: 'free', priceMin: 0, feeToken: stack.chain.addresses.Ocean },
          { id: 'paid', priceMin: 0.1 },
        ],
      })
    })

    it('error: a quote for one that does not exist, or for a time that is past', async () => {
      const ask = (compute: object): Promise<Answer> =>
        send(stack, 'POST', '/api/services/initializeCompute', {
          datasets: [{ documentId: asset.did, serviceId: 'a-service' }],
          algorithm: { meta: { rawcode: 'x' } },
          compute,
          consumerAddress: stack.consumer.address,
        })
      const soon = Math.floor(Date.now() / 1000) + 60
      expect((await ask({ env: 'nowhere', validUntil: soon })).json).toEqual({
        error: 'Compute environment does not exist',
      })
      expect((await ask({ env: 'free', validUntil: 1 })).json).toEqual({
        error: 'The validUntil value is not correct.',
      })
    })
  })

  describe('fileinfo of an address', () => {
    const inform = (body: unknown): Promise<Answer> => send(stack, 'POST', '/api/services/fileinfo', body)

    it('tells what the origin has', async () => {
      const { url } = stack.origin.offer('/b.txt', 'hello')
      expect((await inform({ type: 'url', url, method: 'GET', checksum: true })).json).toMatchObject([
        { index: 0, valid: true, contentLength: '5', checksum: sha256Hex('hello'), checksumType: 'sha256' },
      ])
    })

    it('behaviour: an address inside is not asked', async () => {
      const before = stack.operator.seen.length
      expect((await inform({ type: 'url', url: `${stack.operator.url}/x` })).json).toEqual([
        { index: 0, type: 'url', valid: false },
      ])
      expect(stack.operator.seen.length).toBe(before)
    })

    it('error: an incomplete file', async () => {
      expect((await inform({})).json).toMatchObject({
        errors: { type: ['The type field is required when did is not present.'] },
      })
      expect((await inform({ type: 'ftp' })).json).toMatchObject({
        errors: { type: ['The selected type is invalid.'] },
      })
    })
  })

  it('error: a compute service is not quoted as an access', async () => {
    const compute = await stack.publish({ files: [stack.origin.offer('/c.txt', 'x')] })
    const answer = await query(stack, 'GET', '/api/services/initialize', {
      documentId: compute.did,
      serviceId: compute.serviceId,
      consumerAddress: stack.consumer.address,
    })
    expect(answer.json).toEqual({
      error: 'Provider Ganache: Use the initializeCompute endpoint to initialize compute jobs.',
    })
  })

  it('error: credentials decide who may have an asset', async () => {
    const closed = await stack.publish({
      serviceType: 'access',
      files: [stack.origin.offer('/d.txt', 'x')],
      credentials: { deny: [{ type: 'address', values: [stack.consumer.address.toLowerCase()] }] },
    })
    const answer = await query(stack, 'GET', '/api/services/initialize', {
      documentId: closed.did,
      serviceId: closed.serviceId,
      consumerAddress: stack.consumer.address,
    })
    expect(answer.json).toEqual({
      error: `Provider Ganache: Error: Access to asset ${closed.did} was denied with code: ConsumableCodes.CREDENTIAL_IN_DENY_LIST.`,
    })
  })
})
