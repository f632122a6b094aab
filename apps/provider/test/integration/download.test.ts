import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import {
  DOWNLOAD_TOKEN_HEADER,
  downloadGrantMessage,
  formatDownloadToken,
  JOB_STATUS,
  type DownloadGrant,
  type Quote,
} from '@c2d/contracts'
import { ask, feeOf, nextNonce, orderRun, query, send, type Answer, type OrderedRun } from './support/api.ts'
import { buildJob } from './support/fake-operator.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { ENVIRONMENT_KEY, startStack, type Stack } from './support/stack.ts'

const CSV = 'a,b\n1,2\n'
const JOB_ID = '0123456789abcdef0123456789abcdef'
const DOWNLOAD = '/api/services/download'

describe('downloading', () => {
  let stack: Stack
  let access: PublishedAsset
  let accessTx: string

  beforeAll(async () => {
    stack = await startStack()
    access = await stack.publish({
      serviceType: 'access',
      files: [
        stack.origin.offer('/data.csv', CSV, 'text/csv'),
        { type: 'url', url: `${stack.origin.url}/missing`, method: 'GET' },
      ],
    })
    const quoted = await query(stack, 'GET', '/api/services/initialize', {
      documentId: access.did,
      serviceId: access.serviceId,
      consumerAddress: stack.consumer.address,
      fileIndex: '0',
    })
    expect(quoted.status).toBe(200)
    accessTx = await stack.consumer.startOrder(access.datatoken, {
      consumer: stack.consumer.address,
      fee: feeOf(quoted.json as Quote),
    })
  })
  afterAll(() => stack.close())

  function signed(changes: Record<string, string> = {}): Record<string, string> {
    const nonce = nextNonce()
    const documentId = changes['documentId'] ?? access.did
    return {
      fileIndex: '0',
      documentId,
      transferTxId: accessTx,
      serviceId: access.serviceId,
      consumerAddress: stack.consumer.address,
      nonce,
      signature: signMessage(documentId + nonce, stack.consumer.key),
      ...changes,
    }
  }

  describe('an access service, by its consumer', () => {
    it('streams the file under its name, and asks the origin once', async () => {
      const before = stack.origin.seen.length
      const answer = await query(stack, 'GET', DOWNLOAD, signed())
      expect(answer.status).toBe(200)
      expect(answer.text).toBe(CSV)
      expect(answer.headers.get('content-disposition')).toBe('attachment;filename=data.csv')
      expect(answer.headers.get('content-type')).toBe('text/csv')
      expect(answer.headers.get('content-length')).toBe(String(CSV.length))
      expect(stack.origin.seen.length - before).toBe(1)
    })

    it('behaviour: a range is passed to the origin and its answer back', async () => {
      const answer = await query(stack, 'GET', DOWNLOAD, signed(), { Range: 'bytes=4-6' })
      expect(answer.status).toBe(206)
      expect(answer.text).toBe('1,2')
      expect(answer.headers.get('content-range')).toBe(`bytes 4-6/${CSV.length}`)
    })

    it('behaviour: a range of a file that has changed since is the whole of it', async () => {
      const part = await query(stack, 'GET', DOWNLOAD, signed(), { Range: 'bytes=4-6', 'If-Range': '"v1"' })
      expect([part.status, part.headers.get('etag')]).toEqual([206, '"v1"'])
      expect(part.headers.get('last-modified')).toBe('Sat, 21 Nov 2026 06:00:00 GMT')
      const whole = await query(stack, 'GET', DOWNLOAD, signed(), { Range: 'bytes=4-6', 'If-Range': '"v0"' })
      expect([whole.status, whole.text]).toEqual([200, CSV])
    })

    it('behaviour: the same order is told as still valid', async () => {
      const answer = await query(stack, 'GET', '/api/services/initialize', {
        documentId: access.did,
        serviceId: access.serviceId,
        consumerAddress: stack.consumer.address,
        transferTxId: accessTx,
      })
      expect(answer.json).toEqual({ validOrder: accessTx })
    })

    it.each([
      ['an index beyond the files', { fileIndex: '2' }, 'Provider Ganache: No such fileIndex 2'],
      [
        'a file that its origin does not have',
        { fileIndex: '1' },
        'Provider Ganache: Asset URL not found, not available or invalid.',
      ],
      ['a service the asset does not have', { serviceId: 'nope' }, 'Provider Ganache: Invalid serviceId.'],
      ['a DID nobody published', { documentId: `did:op:${'0'.repeat(64)}` }, 'Cannot resolve DID'],
    ])('error: %s', async (_name, changes, error) => {
      const answer = await query(stack, 'GET', DOWNLOAD, signed(changes))
      expect(answer.status).toBe(400)
      expect(answer.json).toEqual({ error })
    })

    it('error: an order of somebody else', async () => {
      const nonce = nextNonce()
      const answer = await query(
        stack,
        'GET',
        DOWNLOAD,
        signed({
          consumerAddress: stack.stranger.address,
          nonce,
          signature: signMessage(access.did + nonce, stack.stranger.key),
        }),
      )
      expect(answer.json).toEqual({
        error: `Provider Ganache: Order with tx_id ${accessTx} could not be validated due to error: sender of order transaction is not the consumer/payer.`,
      })
    })

    it('error: a nonce cannot be used again', async () => {
      const parameters = signed()
      expect((await query(stack, 'GET', DOWNLOAD, parameters)).status).toBe(200)
      expect((await query(stack, 'GET', DOWNLOAD, parameters)).status).toBe(400)
    })

    it('error: HEAD is refused after the parameters were checked', async () => {
      expect((await query(stack, 'HEAD', DOWNLOAD, signed())).status).toBe(405)
      expect((await query(stack, 'HEAD', DOWNLOAD, {})).status).toBe(400)
    })
  })

  describe('a compute service, by the configure step of a job', () => {
    let dataset: PublishedAsset
    let other: PublishedAsset
    let run: OrderedRun

    beforeAll(async () => {
      const algorithm = await stack.publish({
        type: 'algorithm',
        serviceType: 'access',
        files: [stack.origin.offer('/algo.js', 'x')],
      })
      dataset = await stack.publish({
        files: [stack.origin.offer('/secret.csv', 'secret', 'text/csv')],
        compute: { publisherTrustedAlgorithms: ['*'] },
        credentials: { allow: [{ type: 'address', values: [stack.consumer.address] }] },
      })
      other = await stack.publish({
        files: [stack.origin.offer('/other.csv', 'other')],
        compute: { publisherTrustedAlgorithms: ['*'] },
      })
      run = await orderRun(stack, { dataset, algorithm })
      jobIs({})
    })

    /** What the operator says of the job. */
    function jobIs(changes: Record<string, unknown>): void {
      stack.operator.jobs = [
        buildJob({
          jobId: JOB_ID,
          owner: stack.consumer.address,
          status: JOB_STATUS.configuring.code,
          dateCreated: String(Date.now() / 1000),
          inputDID: [dataset.did],
          ...changes,
        }),
      ]
    }

    function tokenOf(changes: Partial<DownloadGrant> = {}, key: string = ENVIRONMENT_KEY): string {
      const grant: DownloadGrant = {
        jobId: JOB_ID,
        environment: 'free',
        consumerAddress: stack.environmentAddress,
        transferTxId: run.dataset.transferTxId,
        did: dataset.did,
        serviceId: dataset.serviceId,
        expiresAt: Math.floor(Date.now() / 1000) + 60,
        ...changes,
      }
      return formatDownloadToken(grant, signMessage(downloadGrantMessage(grant), key))
    }

    function countWith(changes: Partial<DownloadGrant>): Promise<Answer> {
      return ask(stack, 'POST', '/api/services/fileinfo', {
        headers: { 'Content-Type': 'application/json', [DOWNLOAD_TOKEN_HEADER]: tokenOf(changes) },
        body: JSON.stringify({ did: dataset.did, serviceId: dataset.serviceId }),
      })
    }

    function fetchWith(
      changes: { grant?: Partial<DownloadGrant>; key?: string; request?: Record<string, string> } = {},
    ): Promise<Answer> {
      const parameters = {
        documentId: dataset.did,
        serviceId: dataset.serviceId,
        transferTxId: run.dataset.transferTxId,
        consumerAddress: stack.environmentAddress,
        fileIndex: '0',
        ...changes.request,
      }
      return query(stack, 'GET', DOWNLOAD, parameters, {
        [DOWNLOAD_TOKEN_HEADER]: tokenOf(changes.grant, changes.key),
      })
    }

    it('serves the file, again and in ranges', async () => {
      const [first, again] = [await fetchWith(), await fetchWith()]
      expect([first.status, first.text, again.text]).toEqual([200, 'secret', 'secret'])
    })

    it('behaviour: fileinfo tells how many files there are, without parameters of the caller', async () => {
      const answer = await send(stack, 'POST', '/api/services/fileinfo', {
        did: dataset.did,
        serviceId: dataset.serviceId,
        userdata: { probe: 1 },
      })
      expect(answer.json).toMatchObject([{ index: 0, type: 'url', valid: true, contentLength: '6' }])
      expect(stack.origin.seen.at(-1)?.query.size).toBe(0)
    })

    it('behaviour: with its token fileinfo tells how many there are, and asks no origin', async () => {
      const before = stack.origin.seen.length
      expect((await countWith({})).json).toEqual([{ index: 0, type: 'url', valid: true }])
      expect((await countWith({ serviceId: 'other' })).status).toBe(400)
      expect((await countWith({ expiresAt: 1_700_000_000 })).status).toBe(403)
      expect(stack.origin.seen.length).toBe(before)
    })

    it.each<[string, Parameters<typeof fetchWith>[0], number]>([
      ['a token of somebody else', { key: `0x${'07'.repeat(32)}` }, 400],
      ['a token for another service', { grant: { serviceId: 'other' } }, 400],
      ['a token for another order', { grant: { transferTxId: `0x${'12'.repeat(32)}` } }, 400],
      ['a token for another consumer', { grant: { consumerAddress: `0x${'12'.repeat(20)}` } }, 400],
      ['a token of an environment nobody knows', { grant: { environment: 'nowhere' } }, 400],
      ['a token for a job nobody knows', { grant: { jobId: 'f'.repeat(32) } }, 403],
      ['a token that expired', { grant: { expiresAt: 1_700_000_000 } }, 403],
      ['an order that is none', orderNobodyMade(), 400],
    ])('error: %s', async (_name, changes, status) => {
      const before = stack.origin.seen.length
      expect((await fetchWith(changes)).status).toBe(status)
      expect(stack.origin.seen.length).toBe(before)
    })

    it('error: a token for another asset', async () => {
      expect((await fetchWith({ request: { documentId: other.did } })).status).toBe(400)
    })

    it('error: a job that uses other assets', async () => {
      jobIs({ inputDID: [other.did] })
      expect((await fetchWith()).status).toBe(403)
      jobIs({})
    })

    it('error: a job that is past fetching its inputs', async () => {
      jobIs({ status: JOB_STATUS.running.code })
      expect((await fetchWith()).status).toBe(403)
      jobIs({})
    })

    it('error: a text that is no token', async () => {
      const answer = await ask(stack, 'GET', `${DOWNLOAD}?${new URLSearchParams(signed()).toString()}`, {
        headers: { [DOWNLOAD_TOKEN_HEADER]: 'no.token' },
      })
      expect(answer.status).toBe(400)
    })

    it('error: neither the consumer nor a bare environment signature gets it', async () => {
      for (const [consumerAddress, key] of [
        [stack.consumer.address, stack.consumer.key],
        [stack.environmentAddress, ENVIRONMENT_KEY],
      ] as const) {
        const nonce = nextNonce()
        const answer = await query(
          stack,
          'GET',
          DOWNLOAD,
          signed({
            documentId: other.did,
            consumerAddress,
            nonce,
            signature: signMessage(other.did + nonce, key),
          }),
        )
        expect(answer.json).toEqual({
          error: 'Provider Ganache: Service with index=a-service is not an access service.',
        })
      }
    })
  })
})

/** Grant and request agree on an order that was never made. */
function orderNobodyMade() {
  const transferTxId = `0x${'34'.repeat(32)}`
  return { grant: { transferTxId }, request: { transferTxId } }
}
