import { request } from 'node:http'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ENVIRONMENT, OWNER, nextNonce, sign, startOperator, type OperatorUnderTest } from './operator-under-test.ts'

// The shapes of ocean-node's former client (operator-service-api §14): every call carries a JSON body, GET too; inputs
// have addresses and no `id`; nonces are milliseconds; chains are asked for as `chain_id`. Its weak signatures are not
// taken: a call is signed over owner, job and nonce like anybody's.

let operator: OperatorUnderTest
beforeAll(async () => {
  operator = await startOperator()
})
afterAll(() => operator.close())

interface Answer {
  status: number
  text: string
  body: unknown
}

function call(method: string, path: string, json?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = json === undefined ? undefined : JSON.stringify(json)
    const headers =
      text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }
    const sent = request(`${operator.url}/api/v1/operator${path}`, { method, headers }, (response) => {
      let received = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (received += chunk))
      response.on('end', () => {
        const isJson = response.headers['content-type']?.startsWith('application/json') === true
        const body: unknown = isJson ? JSON.parse(received) : received
        resolve({ status: response.statusCode ?? 0, text: received, body })
      })
    })
    sent.once('error', reject)
    sent.end(text)
  })
}

const STAGE = {
  index: 0,
  input: [{ index: 0, url: ['https://example.org/a.csv', 'https://example.org/b.csv'] }],
  compute: {},
  algorithm: {
    url: 'https://example.org/algorithm.js',
    rawcode: '',
    container: { entrypoint: 'node $ALGO', image: 'node', tag: 'latest', checksum: 'sha256:0' },
  },
  output: {},
}

let lastNonce = Date.now()

/** Signed over what it names; the nonce is a number. */
function signed(m: { jobId?: string }): Record<string, unknown> {
  lastNonce += 1
  const { providerSignature } = sign({ ...m, nonce: String(lastNonce) })
  return { owner: OWNER, ...m, nonce: lastNonce, providerSignature }
}

describe('the shapes of ocean-node', () => {
  it('start, status, stop and result by JSON bodies', async () => {
    const started = await call('POST', '/compute', {
      ...{ workflow: { stages: [STAGE] }, agreementId: '0xnode', environment: ENVIRONMENT, chainId: 8996 },
      ...signed({}),
    })
    expect([started.status, started.text]).toEqual([200, expect.stringContaining('jobId')])
    const [job] = started.body as { jobId: string; algoDID: string; inputDID: string[] }[]
    expect(job).toMatchObject({ status: 1, algoDID: 'raw', inputDID: [] })
    const { jobId } = job!

    expect(await call('GET', '/compute', { agreementId: '0xnode', ...signed({ jobId }) })).toMatchObject({
      status: 200,
      body: [{ jobId, stopreq: 0 }],
    })
    expect(await call('PUT', '/compute', signed({ jobId }))).toMatchObject({ status: 200, body: [{ stopreq: 1 }] })

    const stored = await operator.results.put(jobId, 'outputs/res.csv', Readable.from(['a,b\n']))
    const outputs = [{ filename: 'res.csv', filesize: 4, url: stored.url, type: 'output', sha256: stored.sha256 }]
    await operator
      .db('jobs')
      .where({ workflowid: jobId })
      .update({ outputsurl: JSON.stringify(outputs) })
    expect(await call('GET', '/getResult', { index: 0, ...signed({ jobId }) })).toMatchObject({
      status: 200,
      text: 'a,b\n',
    })
  })

  it('environments by chain_id', async () => {
    expect(await call('GET', '/environments?chain_id=8996')).toMatchObject({ status: 200, body: [{ id: ENVIRONMENT }] })
  })

  it('error: its signatures of the nonce alone are nobody’s', async () => {
    const nonce = nextNonce()
    const { providerSignature } = sign({ owner: '', nonce })
    const answer = await call('POST', '/compute', {
      ...{ workflow: { stages: [STAGE] }, agreementId: '0xweak', environment: ENVIRONMENT, chainId: 8996 },
      ...{ owner: OWNER, nonce, providerSignature },
    })
    expect(answer.status).toBe(401)
  })
})
