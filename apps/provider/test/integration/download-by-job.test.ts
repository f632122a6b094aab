import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import {
  DOWNLOAD_TOKEN_HEADER,
  downloadGrantMessage,
  formatDownloadToken,
  JOB_STATUS,
  type DownloadGrant,
} from '@c2d/contracts'
import { ask, nextNonce, orderRun, query, send, type Answer, type OrderedRun } from './support/api.ts'
import { signedDownload } from './support/access.ts'
import { buildJob } from './support/fake-operator.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { ENVIRONMENT_KEY, startStack, type Stack } from './support/stack.ts'

const JOB_ID = '0123456789abcdef0123456789abcdef'
const DOWNLOAD = '/api/services/download'

describe('downloading a compute service, by the configure step of a job', () => {
  let stack: Stack
  let dataset: PublishedAsset
  let other: PublishedAsset
  let run: OrderedRun

  beforeAll(async () => {
    stack = await startStack()
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

  afterAll(() => stack.close())

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
    const parameters = signedDownload(stack, { asset: dataset, transferTxId: run.dataset.transferTxId })
    const answer = await query(stack, 'GET', DOWNLOAD, parameters, { [DOWNLOAD_TOKEN_HEADER]: 'no.token' })
    expect(answer.status).toBe(400)
  })

  it('error: neither the consumer nor a bare environment signature gets it', async () => {
    for (const [consumerAddress, key] of [
      [stack.consumer.address, stack.consumer.key],
      [stack.environmentAddress, ENVIRONMENT_KEY],
    ] as const) {
      const nonce = nextNonce()
      const changes = { consumerAddress, nonce, signature: signMessage(other.did + nonce, key) }
      const parameters = signedDownload(stack, { asset: other, transferTxId: run.dataset.transferTxId }, changes)
      const answer = await query(stack, 'GET', DOWNLOAD, parameters)
      expect(answer.json).toEqual({
        error: 'Provider Ganache: Service with index=a-service is not an access service.',
      })
    }
  })
})

/** Grant and request agree on an order that was never made. */
function orderNobodyMade() {
  const transferTxId = `0x${'34'.repeat(32)}`
  return { grant: { transferTxId }, request: { transferTxId } }
}
