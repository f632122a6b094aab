import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { eciesDecrypt, eciesEncrypt, publicKeyOf } from '@c2d/chain'
import { ask, buildStart, orderRun, send, start, type OrderedRun } from './support/api.ts'
import { ENVIRONMENT_KEY, startStack, type Stack } from './support/stack.ts'

const SECRET = 'a-key-nobody-may-see'

describe('an output that goes to the consumer’s own storage', () => {
  let stack: Stack
  let run: OrderedRun

  beforeAll(async () => {
    stack = await startStack()
    const algorithm = await stack.publish({
      type: 'algorithm',
      files: [stack.origin.offer('/algo.js', 'code', 'text/javascript')],
    })
    const dataset = await stack.publish({
      files: [stack.origin.offer('/data.csv', 'a,b\n', 'text/csv')],
      compute: { publisherTrustedAlgorithmPublishers: ['*'] },
    })
    run = await orderRun(stack, { dataset, algorithm })
  })
  afterAll(() => stack.close())
  beforeEach(() => {
    stack.operator.seen.length = 0
    for (const environment of stack.operator.environments) {
      environment['consumerPublicKey'] = publicKeyOf(ENVIRONMENT_KEY)
    }
  })

  const webFolder = (url = `${stack.origin.url}/mine/`) => ({
    type: 'url',
    url,
    headers: { Authorization: `Bearer ${SECRET}` },
  })

  /** As a consumer does: by the provider's own endpoint. */
  const encrypt = (output: unknown): Promise<string> => encryptText(JSON.stringify(output))

  async function encryptText(text: string): Promise<string> {
    const answer = await ask(stack, 'POST', '/api/services/encrypt?chainId=8996', {
      headers: { 'Content-Type': 'application/octet-stream' },
      body: text,
    })
    return answer.text
  }
  const startWith = (output: unknown) => start(stack, run, { changes: { output } })

  async function explain(output: unknown): Promise<Record<string, unknown> | undefined> {
    const answer = await send(
      stack,
      'POST',
      '/api/services/compute/explain',
      buildStart(run, stack.consumer, { output }),
    )
    expect(answer.text).not.toContain(SECRET)
    const { rules } = answer.json as { rules: Record<string, unknown>[] }
    return rules.find(({ rule }) => rule === 'output-storage')
  }

  /** What the environment finds in the workflow that was handed to the operator. */
  function opened(): unknown {
    const sent = JSON.stringify(stack.operator.starts()[0])
    expect(sent).not.toContain(SECRET)
    const { workflow } = JSON.parse(sent) as {
      workflow: { stages: [{ output: { consumerOutput: string; metadataUri: string } }] }
    }
    const { consumerOutput, metadataUri } = workflow.stages[0].output
    expect(metadataUri).toBe(stack.cache.url)
    const bytes = Buffer.from(consumerOutput.slice(2), 'hex')
    return JSON.parse(Buffer.from(eciesDecrypt(ENVIRONMENT_KEY, bytes)).toString())
  }

  it('travels encrypted to the environment, beside what ocean.js sends', async () => {
    const encrypted = await encrypt({ remoteStorage: webFolder(), owner: stack.consumer.address })
    const output = { publishOutput: true, publishAlgorithmLog: true, owner: stack.consumer.address, encrypted }
    const answer = await startWith(output)
    expect([answer.status, answer.text.includes('encrypted')]).toEqual([200, false])
    expect(opened()).toEqual({
      remoteStorage: { ...webFolder(), method: 'PUT' },
      keepsCopy: true,
      owner: stack.consumer.address,
    })
  })

  it('behaviour: all of the output may be encrypted, as newer clients do', async () => {
    const s3 = {
      type: 's3',
      endpoint: stack.origin.url,
      bucket: 'mine',
      accessKeyId: 'id',
      secretAccessKey: SECRET,
      forcePathStyle: true,
    }
    expect((await startWith(await encrypt({ remoteStorage: s3, keepsCopy: false }))).status).toBe(200)
    expect(opened()).toEqual({ remoteStorage: { ...s3, region: 'us-east-1', prefix: '' }, keepsCopy: false })
  })

  it('behaviour: the form in which results are kept is handed on, and nothing else of the wish', async () => {
    const wish = { archive: 'beside', manifest: true, nodeUri: 'http://old', secretStoreUri: 'x' }
    expect((await startWith(wish)).status).toBe(200)
    expect((await startWith({ archive: 'zip', manifest: 'yes' })).status).toBe(200)
    const outputs = stack.operator
      .starts()
      .map(({ workflow }) => (workflow as { stages: { output: unknown }[] }).stages[0]?.output)
    expect(outputs).toEqual([
      { metadataUri: stack.cache.url, archive: 'beside', manifest: true },
      { metadataUri: stack.cache.url },
    ])
  })

  it('behaviour: explain says yes before, and starts nothing', async () => {
    const encrypted = await encrypt({ remoteStorage: webFolder() })
    expect(await explain({ encrypted })).toMatchObject({ outcome: 'allow' })
    expect(stack.operator.starts()).toEqual([])
  })

  it('behaviour: who did not sign is told nothing about it', async () => {
    const { signature: _signature, nonce: _nonce, ...body } = buildStart(run, stack.consumer, { output: '0xabcd' })
    const answer = await send(stack, 'POST', '/api/services/compute/explain', body)
    const { rules } = answer.json as { rules: Record<string, unknown>[] }
    expect(rules.find(({ rule }) => rule === 'output-storage')).toMatchObject({ outcome: 'skipped' })
  })

  describe('error: is refused by start and explain alike, and nothing starts, when', () => {
    const cases: [string, () => string | Promise<string>, string][] = [
      [
        'it is encrypted to somebody else',
        () => hexOf(eciesEncrypt(publicKeyOf(ENVIRONMENT_KEY), Buffer.from('{}'))),
        'not_decryptable',
      ],
      ['it is no JSON inside', () => encryptText('not json'), 'invalid'],
      ['it names no storage', () => encrypt({}), 'invalid'],
      [
        'it wants what we cannot do',
        () => encrypt({ remoteStorage: webFolder(), encryption: { key: SECRET } }),
        'invalid',
      ],
      [
        'a folder does not end in a slash',
        () => encrypt({ remoteStorage: webFolder(`${stack.origin.url}/mine`) }),
        'invalid',
      ],
      [
        'a header would become two',
        () => encrypt({ remoteStorage: { ...webFolder(), headers: { a: `b\r\nc: ${SECRET}` } } }),
        'invalid',
      ],
      [
        'it is another consumer’s',
        () => encrypt({ remoteStorage: webFolder(), owner: stack.stranger.address }),
        'not_yours',
      ],
      [
        'it lies at a private address',
        () => encrypt({ remoteStorage: webFolder('http://10.0.0.1/') }),
        'not_reachable',
      ],
      [
        'it lies at the metadata address',
        () => encrypt({ remoteStorage: webFolder('http://169.254.169.254/') }),
        'not_reachable',
      ],
      ['it does not answer', () => encrypt({ remoteStorage: webFolder('http://nowhere.invalid/') }), 'not_reachable'],
    ]

    it.each(cases)('%s', async (_, output, code) => {
      const sent = await output()
      const answer = await startWith(sent)
      expect([answer.status, answer.json]).toEqual([400, { error: { output: code } }])
      expect(answer.text).not.toContain(SECRET)
      expect(await explain({ encrypted: sent })).toMatchObject({ outcome: 'deny', resource: 'output' })
      expect(stack.operator.starts()).toEqual([])
    })

    it('it is in the clear, or no hex', async () => {
      expect((await startWith({ remoteStorage: webFolder() })).json).toEqual({ error: { output: 'not_encrypted' } })
      expect((await startWith({ encrypted: 'zz' })).json).toEqual({ error: { output: 'invalid' } })
      expect((await startWith(`0x${'ab'.repeat(20_000)}`)).json).toEqual({ error: { output: 'invalid' } })
    })

    it('the environment cannot do it', async () => {
      for (const environment of stack.operator.environments) delete environment['consumerPublicKey']
      const answer = await startWith(await encrypt({ remoteStorage: webFolder() }))
      expect(answer.json).toEqual({ error: { output: 'not_supported' } })
    })
  })
})

function hexOf(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`
}
