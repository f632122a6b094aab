import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { feeOf, nextNonce, query } from './support/api.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

const CSV = 'a,b\n1,2\n'
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
})
