import { afterEach, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { DOWNLOAD_TOKEN_HEADER, downloadGrantMessage, formatDownloadToken, JOB_STATUS } from '@c2d/contracts'
import type { AppOptions } from '../../src/app.ts'
import { nextNonce, orderRun, query, quote, type OrderedRun } from './support/api.ts'
import { buildJob } from './support/fake-operator.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { ENVIRONMENT_KEY, startStack, type Stack } from './support/stack.ts'

const JOB_ID = '0123456789abcdef0123456789abcdef'

describe('switches of the operator', () => {
  let stack: Stack
  afterEach(() => stack.close())

  /** A provider with these options, and a run of a dataset that trusts everybody. */
  async function startWith(changes: Partial<AppOptions>, trusts = true): Promise<PublishedAsset[]> {
    stack = await startStack(changes)
    const algorithm = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/algo.js', 'x')],
    })
    const dataset = await stack.publish({
      files: [stack.origin.offer('/secret.csv', 'secret')],
      compute: trusts ? { publisherTrustedAlgorithms: ['*'] } : {},
    })
    return [dataset, algorithm]
  }

  function target(dataset: PublishedAsset, run: OrderedRun): Record<string, string> {
    return {
      documentId: dataset.did,
      serviceId: dataset.serviceId,
      transferTxId: run.dataset.transferTxId,
      consumerAddress: stack.environmentAddress,
      fileIndex: '0',
    }
  }

  it('lets environments download by a bare signature, where that is allowed', async () => {
    const [dataset, algorithm] = await startWith({ allowsEnvironmentSignatures: true })
    if (!dataset || !algorithm) throw new Error('nothing was published')
    const run = await orderRun(stack, { dataset, algorithm })
    const nonce = nextNonce()
    const signature = signMessage(dataset.did + nonce, ENVIRONMENT_KEY)
    const answer = await query(stack, 'GET', '/api/services/download', { ...target(dataset, run), nonce, signature })
    expect([answer.status, answer.text]).toEqual([200, 'secret'])
  })

  it('reads empty trust lists as everybody, where the lists are read the legacy way', async () => {
    const [dataset, algorithm] = await startWith({ trustLists: 'legacy' }, false)
    if (!dataset || !algorithm) throw new Error('nothing was published')
    expect((await quote(stack, { dataset, algorithm })).status).toBe(200)
  })

  it('asks the operator once for a burst of files of one job', async () => {
    const [dataset, algorithm] = await startWith({ grantMemoryMs: 60_000 })
    if (!dataset || !algorithm) throw new Error('nothing was published')
    const run = await orderRun(stack, { dataset, algorithm })
    stack.operator.jobs = [
      buildJob({
        jobId: JOB_ID,
        owner: stack.consumer.address,
        status: JOB_STATUS.configuring.code,
        dateCreated: String(Date.now() / 1000),
        inputDID: [dataset.did],
      }),
    ]
    const grant = {
      jobId: JOB_ID,
      environment: 'free',
      consumerAddress: stack.environmentAddress,
      transferTxId: run.dataset.transferTxId,
      did: dataset.did,
      serviceId: dataset.serviceId,
      expiresAt: Math.floor(Date.now() / 1000) + 60,
    }
    const token = formatDownloadToken(grant, signMessage(downloadGrantMessage(grant), ENVIRONMENT_KEY))
    const headers = { [DOWNLOAD_TOKEN_HEADER]: token }
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => query(stack, 'GET', '/api/services/download', target(dataset, run), headers)),
    )
    expect(answers.map((answer) => answer.text)).toEqual(Array.from({ length: 10 }, () => 'secret'))
    expect(stack.operator.asked()).toEqual(['GET compute'])
    const other = { ...target(dataset, run), serviceId: 'another' }
    expect((await query(stack, 'GET', '/api/services/download', other, headers)).status).toBe(400)
  })
})
