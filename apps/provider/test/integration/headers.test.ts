import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { ERROR_CODES, type ErrorCode } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { orderAccess, signedDownload } from './support/access.ts'
import { ask, nextNonce, query, type Answer } from './support/api.ts'
import { startHttpStub, type HttpStub } from './support/http-stub.ts'
import { startStack, type Stack } from './support/stack.ts'

const DOWNLOAD = '/api/services/download'
const COMPUTE = '/api/services/compute'
const JOB_ID = '0123456789abcdef0123456789abcdef'
const PROBLEM = 'application/problem+json'

describe('headers', () => {
  let stack: Stack
  let origin: HttpStub
  /** What the origin says of its file. */
  let disposition: string | undefined
  let contentType: string

  beforeAll(async () => {
    origin = await startHttpStub((request, response) => {
      if (request.headers.range === 'bytes=900-') response.writeHead(416).end()
      else {
        const named = disposition === undefined ? {} : { 'Content-Disposition': disposition }
        response.writeHead(200, { 'Content-Type': contentType, ...named }).end('<script>1</script>')
      }
    })
    const rbac = {
      assertAllowed: ({ eventType }: { eventType: string }) =>
        eventType === 'compute' ? Promise.reject(new AppError('NotAllowed')) : Promise.resolve(),
    }
    const fetch = openOriginFetch({ allowList: [origin.host], timeoutMs: 5_000 })
    stack = await startStack({ bodyLimitBytes: 10_000 }, { fetch, rbac })
  })
  afterAll(async () => {
    await stack.close()
    await origin.close()
  })

  describe('the name of a download', () => {
    async function nameOf(path: string, given?: string, type = 'text/csv'): Promise<string | null> {
      disposition = given
      contentType = type
      const order = await orderAccess(stack, { type: 'url', url: origin.url + path, method: 'GET' })
      const answer = await query(stack, 'GET', DOWNLOAD, signedDownload(stack, order))
      expect([answer.status, answer.headers.get('x-content-type-options')]).toEqual([200, 'nosniff'])
      return answer.headers.get('content-disposition')
    }

    it.each<[string, string, string | undefined, string]>([
      ['the address’s last part, never its query', '/a/data.csv?key=secret', undefined, 'data.csv'],
      ['the origin’s own', '/x', 'attachment; filename="report 1.csv"', 'report 1.csv'],
      ['a second name that is pushed in', '/x', `inline; filename="a.csv;filename*=UTF-8''evil.exe"`, ''],
      ['a quote that ends it early', '/x', 'attachment; filename="a\\".html;x=\\".csv"', ''],
      ['a folder', '/x', 'attachment; filename="../../etc/passwd.csv"', 'passwd.csv'],
      ['line breaks in percent', '/a%0d%0aSet-Cookie:%20a=b.csv', undefined, ''],
      ['letters no header can hold', '/%E6%96%87.csv', undefined, '%E6%96%87.csv'],
    ])('%s', async (_what, path, given, expected) => {
      const name = /^attachment;filename=(.+)$/.exec((await nameOf(path, given)) ?? '')?.[1] ?? 'none'
      expect(name).toMatch(/^[\x20-\x7e]+$/)
      expect(name).not.toMatch(/[";\\/]/)
      if (expected) expect(name).toBe(expected)
    })

    it('behaviour: a page is a download too, never shown as ours', async () => {
      expect(await nameOf('/page', undefined, 'text/html')).toBe('attachment;filename=page.html')
    })
  })

  it('behaviour: what an algorithm wrote may do nothing as a page', async () => {
    const { address, key } = stack.consumer
    const nonce = nextNonce()
    const signature = signMessage(`${address}${JOB_ID}0${nonce}`, key)
    const parameters = { consumerAddress: address, jobId: JOB_ID, index: '0', nonce, signature }
    const answer = await query(stack, 'GET', '/api/services/computeResult', parameters)
    expect(answer.headers.get('content-security-policy')).toBe('sandbox')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  })

  describe('of other origins', () => {
    it('lets pages of every origin call, on success and on failure', async () => {
      const headers = { Origin: 'https://market.example' }
      for (const path of ['/', '/api/services/nonce', '/nothing']) {
        const answer = await ask(stack, 'GET', path, { headers })
        expect(answer.headers.get('access-control-allow-origin')).toBe('https://market.example')
        expect(answer.headers.get('vary')).toContain('Origin')
        expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      }
      expect((await ask(stack, 'GET', '/')).headers.get('access-control-allow-origin')).toBe('*')
    })

    it('answers what browsers ask before they send a token', async () => {
      const headers = {
        Origin: 'https://market.example',
        'Access-Control-Request-Method': 'DELETE',
        'Access-Control-Request-Headers': 'authtoken,content-type',
      }
      const answer = await ask(stack, 'OPTIONS', COMPUTE, { headers })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('access-control-allow-headers')).toBe('authtoken,content-type')
      expect(answer.headers.get('access-control-allow-methods')).toContain('DELETE')
    })

    it('shows pages the name of a download', async () => {
      contentType = 'text/csv'
      const order = await orderAccess(stack, { type: 'url', url: `${origin.url}/a.csv`, method: 'GET' })
      const answer = await query(stack, 'GET', DOWNLOAD, signedDownload(stack, order))
      expect(answer.headers.get('access-control-expose-headers')).toContain('Content-Disposition')
    })
  })

  describe('errors in the form of RFC 9457', () => {
    const asProblem = { Accept: PROBLEM }
    const withJson = { ...asProblem, 'Content-Type': 'application/json' }
    const get = (path: string, parameters: Record<string, string> = {}): Promise<Answer> =>
      query(stack, 'GET', path, parameters, asProblem)
    const post = (path: string, body: unknown): Promise<Answer> =>
      ask(stack, 'POST', path, { headers: withJson, body: JSON.stringify(body) })

    function stop(by: { key: string }): Promise<Answer> {
      const consumerAddress = stack.consumer.address
      const nonce = nextNonce()
      const signature = signMessage(consumerAddress + JOB_ID + nonce, by.key)
      return query(stack, 'PUT', COMPUTE, { consumerAddress, jobId: JOB_ID, nonce, signature }, asProblem)
    }

    async function replay(): Promise<Answer> {
      const { address, key } = stack.consumer
      const nonce = nextNonce()
      const signature = signMessage(address + JOB_ID + nonce, key)
      const parameters = { consumerAddress: address, jobId: JOB_ID, nonce, signature }
      await get(COMPUTE, parameters)
      return get(COMPUTE, parameters)
    }

    async function beyondTheEnd(): Promise<Answer> {
      const order = await orderAccess(stack, { type: 'url', url: `${origin.url}/a.csv`, method: 'GET' })
      const parameters = signedDownload(stack, order)
      return query(stack, 'GET', DOWNLOAD, parameters, { ...asProblem, Range: 'bytes=900-' })
    }

    const quoteOf = (documentId: string): Promise<Answer> =>
      post('/api/services/initializeCompute', {
        datasets: [{ documentId, serviceId: 's' }],
        algorithm: { meta: { rawcode: '1' } },
        compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 60 },
        consumerAddress: stack.consumer.address,
      })

    it.each<[ErrorCode, () => Promise<Answer>, object]>([
      [
        'ValidationFailed',
        () => get('/api/services/nonce'),
        { fields: { userAddress: ['The userAddress field is required.'] } },
      ],
      ['InvalidSignature', () => stop(stack.stranger), { fields: { signature: expect.any(String) } }],
      ['StaleNonce', replay, { fields: { signature: expect.any(String) } }],
      [
        'InvalidRequest',
        () => post('/api/services/validateContainer', {}),
        { error: 'missing_entrypoint_image_checksum' },
      ],
      [
        'AssetNotFound',
        () => post('/api/services/fileinfo', { did: `did:op:${'0'.repeat(64)}`, serviceId: 's' }),
        { error: 'Cannot resolve DID' },
      ],
      [
        'ComputeRefused',
        () => quoteOf(`did:op:${'0'.repeat(64)}`),
        { error: { 'dataset.documentId': 'did_not_found' } },
      ],
      ['NotAllowed', () => stop(stack.consumer), {}],
      ['NotFound', () => get('/nothing'), {}],
      ['MethodNotAllowed', () => query(stack, 'PATCH', COMPUTE, {}, asProblem), {}],
      ['RangeNotSatisfiable', beyondTheEnd, {}],
      ['TooLarge', () => post('/api/services/fileinfo', { url: 'x'.repeat(20_000) }), {}],
    ])('%s', async (code, provoke, more) => {
      contentType = 'text/csv'
      const answer = await provoke()
      const { status, title } = ERROR_CODES[code]
      expect(answer.headers.get('content-type')).toContain(PROBLEM)
      expect([answer.status, answer.json]).toMatchObject([
        status,
        { type: 'about:blank', title, status, code, detail: expect.any(String), instance: expect.any(String), ...more },
      ])
      const { instance } = answer.json as { instance: string }
      expect(instance).not.toContain('?')
    })

    it('UpstreamUnavailable, without a word of who that is', async () => {
      await stack.operator.close()
      const answer = await get('/api/services/computeEnvironments')
      expect(answer.headers.get('content-type')).toContain(PROBLEM)
      expect([answer.status, answer.json]).toMatchObject([503, { code: 'UpstreamUnavailable' }])
      expect(answer.text).not.toContain(stack.operator.host)
    })

    it('behaviour: other callers get the bodies they know', async () => {
      const answer = await ask(stack, 'GET', '/api/services/nonce', { headers: { Accept: '*/*' } })
      expect(answer.headers.get('content-type')).toContain('application/json')
      expect(answer.json).toMatchObject({ message: 'Validation error', success: false })
    })
  })
})
