import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { eciesDecrypt } from '@c2d/chain'
import type { ProviderFee, Quote } from '@c2d/contracts'
import { buildJob, RESULT_TEXT } from './support/fake-operator.ts'
import { askLikePython, nextPythonNonce, signLikePython, urlencode, type PythonAnswer } from './support/ocean-py.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

const JOB_ID = '0123456789abcdef0123456789abcdef'

jest.setTimeout(300_000)

describe('ocean.py, its requests byte for byte', () => {
  let stack: Stack
  let dataset: PublishedAsset
  let algorithm: PublishedAsset
  let endpoints: Record<string, [method: string, path: string]>
  let me: string

  beforeAll(async () => {
    stack = await startStack()
    me = stack.consumer.address
    algorithm = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/algo.py', 'print(1)', 'text/x-python'), stack.origin.offer('/lib', 'x')],
    })
    dataset = await stack.publish({
      files: [stack.origin.offer('/data.csv', 'a,b')],
      compute: { allowRawAlgorithm: true, publisherTrustedAlgorithms: ['*'] },
    })
    endpoints = (json(await askLikePython(stack.url, 'GET', '/')) as { serviceEndpoints: typeof endpoints })
      .serviceEndpoints
  })
  afterAll(() => stack.close())

  const json = ({ text }: PythonAnswer): unknown => JSON.parse(text) as unknown
  /** By name and with the method the provider tells, as ocean.py does it. */
  const call = (
    name: string,
    parameters?: Record<string, string | number> | null,
    body?: { type: string; text: string },
  ): Promise<PythonAnswer> => {
    const [method, path] = endpoints[name] ?? ['', '']
    return askLikePython(stack.url, method.toUpperCase(), parameters ? `${path}?${urlencode(parameters)}` : path, body)
  }
  const post = (name: string, text: string): Promise<PythonAnswer> =>
    call(name, null, { type: 'application/json', text })
  const nextNonce = async (): Promise<number> =>
    nextPythonNonce((json(await call('nonce', { userAddress: me })) as { nonce: string }).nonce)
  const order = (asset: PublishedAsset, quote: Quote | undefined, consumer: string): Promise<string> => {
    if (!quote?.providerFee) throw new Error(`no fee in ${JSON.stringify(quote)}`)
    return stack.consumer.startOrder(asset.datatoken, { consumer, fee: quote.providerFee })
  }

  it('finds the provider’s address of a chain and two items for every endpoint', async () => {
    const root = json(await askLikePython(stack.url, 'GET', '/')) as Record<string, Record<string, unknown>>
    expect(root['providerAddresses']?.['8996']).toMatch(/^0x[0-9a-fA-F]{40}$/)
    for (const name of ['nonce', 'encrypt', 'fileinfo', 'initialize', 'initializeCompute', 'download'].concat([
      'computeEnvironments',
      'computeStart',
      'computeStatus',
      'computeStop',
      'computeDelete',
      'computeResult',
    ])) {
      expect(endpoints[name]).toEqual([
        expect.stringMatching(/^(GET|POST|PUT|DELETE)$/),
        expect.stringMatching(/^\/api/),
      ])
    }
  })

  it('encrypts with 201 and bare text, for the bytes as they are', async () => {
    const text = '[{"type":"url","url":"https://example.org/Zo\\u00eb","method":"GET"}]'
    const answer = await call('encrypt', { chainId: 8996 }, { type: 'application/octet-stream', text })
    expect([answer.status, answer.text]).toEqual([201, expect.stringMatching(/^0x[0-9a-f]+$/)])
    const opened = eciesDecrypt(PROVIDER_KEY, Buffer.from(answer.text.slice(2), 'hex'))
    expect(Buffer.from(opened).toString()).toBe(text)
  })

  it('lists environments of its chain, the free one by float', async () => {
    const answer = json(await call('computeEnvironments', { chainId: 8996 })) as Record<string, { priceMin: number }[]>
    expect(answer['8996']?.map(({ priceMin }) => priceMin === 0)).toEqual([true, false])
  })

  describe('buying and downloading', () => {
    let tx: string
    const download = async (index: number, more: Record<string, string> = {}): Promise<PythonAnswer> => {
      const nonce = await nextNonce()
      return call('download', {
        documentId: algorithm.did,
        serviceId: algorithm.serviceId,
        consumerAddress: me,
        transferTxId: tx,
        fileIndex: index,
        nonce,
        signature: signLikePython(`${algorithm.did}${nonce}`, stack.consumer),
        ...more,
      })
    }

    it('initializes without a file index, with user data as Python writes JSON', async () => {
      const answer = await call('initialize', {
        documentId: algorithm.did,
        serviceId: algorithm.serviceId,
        consumerAddress: me,
        userdata: '{"name": "Zo\\u00eb", "a&b": "#+"}',
      })
      expect(answer.status).toBe(200)
      const quote = json(answer) as Quote
      expect(Object.keys(quote.providerFee ?? {}).sort()).toEqual([
        'providerData',
        'providerFeeAddress',
        'providerFeeAmount',
        'providerFeeToken',
        'r',
        's',
        'v',
        'validUntil',
      ] satisfies (keyof ProviderFee)[])
      expect([27, 28]).toContain(quote.providerFee?.v)
      tx = await order(algorithm, quote, me)
    })

    it('counts the files, and downloads each with a nonce of its own', async () => {
      const about = await post('fileinfo', `{"did":"${algorithm.did}","serviceId":"${algorithm.serviceId}"}`)
      expect([about.status, json(about)]).toMatchObject([200, [{ valid: true }, { valid: true }]])
      const files = [await download(0), await download(1)]
      expect(files.map(({ status, text }) => [status, text])).toEqual([
        [200, 'print(1)'],
        [200, 'x'],
      ])
      const names = files.map(
        ({ headers }) => /attachment;filename=(.+)/.exec(headers['content-disposition'] ?? '')?.[1] ?? '',
      )
      expect(names).toEqual(['algo.py', 'lib.txt'])
      for (const name of names) expect(name).not.toMatch(/[\\/"]|\.\./)
    })

    it('user data of a download reaches the origin with its blanks', async () => {
      await download(0, { userdata: '{"name": "a b"}' })
      expect(stack.origin.seen.at(-1)?.query.get('name')).toBe('a b')
    })

    it('behaviour: a stored nonce with a fraction is followed by a whole number', async () => {
      const fraction = `${await nextNonce()}.5`
      const spent = await call('download', {
        documentId: algorithm.did,
        serviceId: algorithm.serviceId,
        consumerAddress: me,
        transferTxId: tx,
        fileIndex: 0,
        nonce: fraction,
        signature: signLikePython(algorithm.did + fraction, stack.consumer),
      })
      expect(spent.status).toBe(200)
      expect(json(await call('nonce', { userAddress: me }))).toEqual({ nonce: fraction })
      expect((await download(0)).status).toBe(200)
    })

    it('error: a refusal is a 400 with `error` or `errors`', async () => {
      expect(json(await call('download', { documentId: algorithm.did }))).toHaveProperty('errors')
      const refused = await download(7)
      expect([refused.status, json(refused)]).toEqual([400, { error: 'Provider Ganache: No such fileIndex 7' }])
    })
  })

  describe('a compute job', () => {
    let txs: [dataset: string, algorithm: string]
    const named = (asset: PublishedAsset): string => `"documentId":"${asset.did}","serviceId":"${asset.serviceId}"`
    const signed = async (jobId = JOB_ID): Promise<Record<string, string | number>> => {
      const nonce = await nextNonce()
      const signature = signLikePython(`${me}${jobId}${dataset.did}${nonce}`, stack.consumer)
      return { documentId: dataset.did, consumerAddress: me, jobId, nonce, signature }
    }

    beforeAll(async () => {
      const validUntil = Math.floor(Date.now() / 1000) + 600
      const answer = await post(
        'initializeCompute',
        `{"datasets":[{${named(dataset)}}],"algorithm":{${named(algorithm)}},` +
          `"compute":{"env":"free","validUntil":${validUntil}},"consumerAddress":"${me}"}`,
      )
      const quotes = json(answer) as { datasets: Quote[]; algorithm: Quote }
      txs = [
        await order(dataset, quotes.datasets[0], stack.environmentAddress),
        await order(algorithm, quotes.algorithm, stack.environmentAddress),
      ]
      stack.operator.jobs = [buildJob({ jobId: JOB_ID, owner: me, agreementId: txs[1], status: 70 })]
    })

    it('starts with an integer nonce and empty `additionalInputs`', async () => {
      const nonce = await nextNonce()
      const signature = signLikePython(`${me}${dataset.did}${nonce}`, stack.consumer)
      const answer = await post(
        'computeStart',
        `{"dataset":{${named(dataset)},"transferTxId":"${txs[0]}"},` +
          `"algorithm":{${named(algorithm)},"transferTxId":"${txs[1]}"},"signature":"${signature}","nonce":${nonce},` +
          `"consumerAddress":"${me}","environment":"free","additionalInputs":[]}`,
      )
      expect([answer.status, json(answer)]).toMatchObject([200, [{ jobId: expect.any(String), agreementId: txs[1] }]])
    })

    it('starts raw code with its container and consumer parameters', async () => {
      const nonce = await nextNonce()
      const signature = signLikePython(`${me}${dataset.did}${nonce}`, stack.consumer)
      const meta =
        '{"url":"","rawcode":"print(1)","language":"py","version":"0.1","container":{"entrypoint":"python $ALGO",' +
        `"image":"python","tag":"3","checksum":"sha256:${'8'.repeat(64)}"},"consumerParameters":[]}`
      const answer = await post(
        'computeStart',
        `{"dataset":{${named(dataset)},"transferTxId":"${txs[0]}"},"algorithm":{"meta":${meta}},` +
          `"signature":"${signature}","nonce":${nonce},"consumerAddress":"${me}","environment":"free","additionalInputs":[]}`,
      )
      expect([answer.status, json(answer)]).toMatchObject([200, [{ agreementId: txs[0] }]])
    })

    it('asks for the status with everything in the query, signed', async () => {
      const answer = await call('computeStatus', await signed())
      expect([answer.status, json(answer)]).toMatchObject([200, [{ jobId: JOB_ID, status: 70 }]])
    })

    it('fetches a result', async () => {
      const nonce = await nextNonce()
      const answer = await call('computeResult', {
        jobId: JOB_ID,
        index: 0,
        consumerAddress: me,
        nonce,
        signature: signLikePython(`${me}${JOB_ID}0${nonce}`, stack.consumer),
      })
      expect([answer.status, answer.text]).toEqual([200, RESULT_TEXT])
      expect(answer.headers['content-disposition']).toBe('attachment;filename=result.txt')
    })

    it('stops with everything in the query', async () => {
      const answer = await call('computeStop', await signed())
      expect([answer.status, json(answer)]).toMatchObject([200, [{ jobId: JOB_ID }]])
    })

    it('deletes with everything in the query', async () => {
      const answer = await call('computeDelete', await signed())
      expect([answer.status, answer.text]).toEqual([200, '""'])
      expect(stack.operator.asked().at(-1)).toBe('DELETE compute')
    })

    it('error: a query that is sent again is stale', async () => {
      const once = await signed()
      expect((await call('computeStop', once)).status).toBe(200)
      const again = await call('computeStop', once)
      expect([again.status, json(again)]).toMatchObject([
        400,
        { errors: { signature: expect.stringContaining('expected nonce') } },
      ])
    })
  })
})
