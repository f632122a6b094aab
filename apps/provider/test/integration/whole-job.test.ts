import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { jobStatusAnswerSchema, ownedProofSchema, type JobStatusAnswer } from '@c2d/contracts'
import { saltHash, verifyProof } from '@c2d/proof'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { createOperatorService } from '../../src/clients/operator-service.ts'
import { nextNonce, orderRun, query, start } from './support/api.ts'
import type { ChainActor } from './support/chain-actor.ts'
import { startHttpStub, type HttpStub } from './support/http-stub.ts'
import { openOperatorHouse, type OperatorHouse } from './support/operator-house.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

const ARWEAVE_ID = 'a4qJoQZa1poIv5guEzkfgZYSAD0uYm7Vw4zm_tCswVQ'
const ROWS = 'name,age\nada,36\ngrace,45\n'

const COMPUTE = '/api/services/compute'
const PROOF = '/api/services/compute/proof'

/** Counts the rows of the first file of the first dataset. */
const ALGORITHM = `
const { readFileSync, writeFileSync } = require('node:fs')
const [did] = JSON.parse(process.env.DIDS)
const { INPUTS = '/data/inputs', OUTPUTS = '/data/outputs' } = process.env
const rows = readFileSync(INPUTS + '/' + did + '/0', 'utf8').trim().split('\\n').length - 1
writeFileSync(OUTPUTS + '/count.txt', String(rows))
`

describe('a whole job, by a real operator, engine and pods', () => {
  let gateway: HttpStub
  let house: OperatorHouse
  let stack: Stack
  /** How often the algorithm that changes is asked for before it does. */
  let servesGoodUntil = Infinity

  beforeAll(async () => {
    gateway = await startHttpStub(({ path }, response) => {
      const asked = gateway.seen.filter((request) => request.path === path).length
      if (path === '/swapped.js') response.end(asked > servesGoodUntil ? `${ALGORITHM} // and steals` : ALGORITHM)
      else if (path === `/${ARWEAVE_ID}`) response.setHeader('Content-Type', 'text/csv').end(ROWS)
      else if (path === '/algorithm.js') response.setHeader('Content-Type', 'text/javascript').end(ALGORITHM)
      else response.writeHead(404).end()
    })
    house = await openOperatorHouse()
    stack = await startStack(
      { gateways: { arweave: gateway.url } },
      {
        operator: createOperatorService({ url: house.url, universalKey: PROVIDER_KEY, timeoutMs: 5_000 }),
        fetch: openOriginFetch({ allowList: [gateway.host], timeoutMs: 5_000 }),
      },
    )
    await house.startEngine([stack.url, stack.cache.url].map((url) => new URL(url).host))
  })
  afterAll(async () => {
    await house.close()
    await stack.close()
    await gateway.close()
  })

  it('runs on a dataset of Arweave, and its result comes back', async () => {
    const here = { serviceEndpoint: stack.url }
    const dataset = await stack.publish({
      ...here,
      files: [{ type: 'arweave', transactionId: ARWEAVE_ID }],
      compute: { publisherTrustedAlgorithms: ['*'] },
    })
    const algorithm = await stack.publish({
      ...here,
      type: 'algorithm',
      serviceType: 'access',
      files: [{ type: 'url', url: `${gateway.url}/algorithm.js`, method: 'GET' }],
    })
    const started = await start(stack, await orderRun(stack, { dataset, algorithm }))
    expect([started.status, started.json]).toEqual([200, [expect.objectContaining({ owner: stack.consumer.address })]])
    const jobId = (started.json as JobStatusAnswer[])[0]?.jobId ?? ''

    const job = await finished(jobId)
    expect(job).toMatchObject({ status: 70, exitCode: 0 })
    const results = job.results === '' ? [] : job.results
    const index = String(results.find(({ filename }) => filename === 'count.txt')?.index)
    const nonce = nextNonce()
    const consumerAddress = stack.consumer.address
    const signature = signMessage(consumerAddress + jobId + index + nonce, stack.consumer.key)
    const parameters = { consumerAddress, jobId, index, nonce, signature }
    const result = await query(stack, 'GET', '/api/services/computeResult', parameters)
    expect([result.status, result.text]).toEqual([200, '2'])
  })

  it('is proven: its status and its stream show that, and only the dataset’s owner can tell the file that it names', async () => {
    const here = { serviceEndpoint: stack.url }
    const dataset = await stack.publish({
      ...here,
      files: [{ type: 'arweave', transactionId: ARWEAVE_ID }],
      compute: { publisherTrustedAlgorithms: ['*'], saltFileHashes: true },
    })
    const algorithm = await stack.publish({
      ...here,
      type: 'algorithm',
      serviceType: 'access',
      files: [{ type: 'url', url: `${gateway.url}/algorithm.js`, method: 'GET' }],
    })
    const started = await start(stack, await orderRun(stack, { dataset, algorithm }))
    const jobId = (started.json as JobStatusAnswer[])[0]?.jobId ?? ''
    const stream = await ask('/api/services/compute/events', jobId, stack.consumer, { until: 'settled' })
    expect(stream.text).toMatch(/"what":"proven"/)
    const told = jobStatusAnswerSchema.parse(JSON.parse(/event: end\ndata: (.*)/.exec(stream.text)?.[1] ?? ''))

    const theirs = ownedProofSchema.parse((await ask(PROOF, jobId, stack.consumer)).json)
    const sha256 = createHash('sha256').update(Buffer.from(theirs.payload, 'base64')).digest('hex')
    expect(told.proof).toMatchObject({ sha256, keyAddress: theirs.signatures[0]?.keyid })
    expect((await finished(jobId)).proof).toEqual(told.proof)
    const anybody = await query(stack, 'GET', COMPUTE, { consumerAddress: stack.consumer.address, jobId })
    expect(anybody.text).not.toContain(sha256)

    const { datasets } = verifyProof(theirs).statement?.predicate ?? {}
    const file = datasets?.[0]?.files[0]
    const bare = createHash('sha256').update(ROWS).digest('hex')
    expect([theirs.salts, file?.salted]).toEqual([undefined, true])
    const { salts, ...envelope } = ownedProofSchema.parse((await ask(PROOF, jobId, stack.publisher)).json)
    expect(envelope).toEqual(theirs)
    expect(salts?.map(({ did, salt }) => [did, saltHash(salt, bare)])).toEqual([[dataset.did, file?.sha256]])
    expect((await ask(PROOF, jobId, stack.stranger)).status).toBe(404)
    expect(JSON.stringify(told)).not.toContain(bare)
  }, 120_000)

  it('error: an algorithm whose host swaps its bytes after they were checked never runs', async () => {
    const here = { serviceEndpoint: stack.url }
    const file = { type: 'url', url: `${gateway.url}/swapped.js`, method: 'GET' }
    const algorithm = await stack.publish({ ...here, type: 'algorithm', serviceType: 'access', files: [file] })
    const compute = { publisherTrustedAlgorithms: ['*' as const] }
    const dataset = await stack.publish({ ...here, files: [{ type: 'arweave', transactionId: ARWEAVE_ID }], compute })
    const run = await orderRun(stack, { dataset, algorithm })
    const checked = gateway.seen.filter(({ path }) => path === '/swapped.js').length
    servesGoodUntil = checked + 1 // the check of the start
    const started = await start(stack, run)
    expect(started.status).toBe(200)
    const job = await finished((started.json as JobStatusAnswer[])[0]?.jobId ?? '')
    expect(job).toMatchObject({ status: 32, exitCode: null })
    expect(gateway.seen.filter(({ path }) => path === '/swapped.js').length).toBeGreaterThan(servesGoodUntil)
  })

  it('error: a start that is refused leaves nothing behind at the operator’s', async () => {
    const url = { type: 'url', url: `${gateway.url}/algorithm.js`, method: 'GET' }
    const algorithm = await stack.publish({ type: 'algorithm', serviceType: 'access', files: [url] })
    const open = await stack.publish({ files: [url], compute: { publisherTrustedAlgorithms: ['*'] } })
    const closed = await stack.publish({ files: [url], compute: {} })
    const run = await orderRun(stack, { dataset: open, algorithm })
    const unpaid = { ...run, environment: 'paid' }
    const before = await house.countRows()
    const answers = [
      await start(stack, { ...run, dataset: { ...run.dataset, documentId: closed.did } }),
      await start(stack, { ...run, dataset: { ...run.dataset, transferTxId: algorithm.metadataTransaction } }),
      await start(stack, unpaid),
      await start(stack, { ...run, environment: 'nowhere' }),
      await start(stack, run, { by: stack.stranger }),
      await start(stack, run, { changes: { signature: `0x${'1'.repeat(130)}` } }),
      await start(stack, run, { changes: { output: 'no json' } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 400))
    expect(before).toHaveProperty('jobs')
    expect(await house.countRows()).toEqual(before)
  })

  function ask(path: string, jobId: string, by: ChainActor, more: Record<string, string> = {}) {
    const [consumerAddress, nonce] = [by.address, nextNonce()]
    const signature = signMessage(consumerAddress + jobId + nonce, by.key)
    return query(stack, 'GET', path, { consumerAddress, jobId, nonce, signature, ...more })
  }

  async function finished(jobId: string): Promise<JobStatusAnswer> {
    const { address: consumerAddress, key } = stack.consumer
    for (;;) {
      const nonce = nextNonce()
      const signature = signMessage(consumerAddress + jobId + nonce, key)
      const answer = await query(stack, 'GET', COMPUTE, { consumerAddress, jobId, nonce, signature })
      const [job] = answer.json as JobStatusAnswer[]
      if (job?.dateFinished) return job
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
})
