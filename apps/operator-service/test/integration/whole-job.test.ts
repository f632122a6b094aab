import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { nextNonce } from './operator-under-test.ts'
import { HEADERS, PROVIDER_ADDRESS, query, send, signAsPython, startBytes, type Answer } from './provider-py-client.ts'
import { startServiceAndEngine, type ServiceAndEngine } from './service-and-engine.ts'

const OWNER = '0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA'
const ENVIRONMENT = 'whole-job'
const BASE = '/api/v1/operator'
const DATASET = '2'.repeat(64)

interface Status {
  jobId: string
  status: number
  statusText: string
  dateFinished: string | null
  results: '' | { filename: string; type: string; filesize: number; index: number }[]
  reason: string | null
  exitCode: number | null
  queuePosition: number | null
  timeline: { what: string; by: string; atMs: number }[]
}

let system: ServiceAndEngine
beforeAll(async () => {
  system = await startServiceAndEngine({ environment: ENVIRONMENT, allowedProvider: PROVIDER_ADDRESS })
}, 60_000)
afterAll(() => system.close())

/** An algorithm without a DID, as provider-py sends it; its code runs as `node`. */
const rawAlgorithm = (code: string): string =>
  `{"id": "", "url": null, "rawcode": ${JSON.stringify(code)}, "container": {"entrypoint": "node $ALGO", ` +
  '"image": "node", "tag": "20", "checksum": "sha256:1234"}}'

async function start(agreementId: string, code: string): Promise<Status> {
  const nonce = nextNonce()
  const bytes = startBytes({
    agreementId,
    owner: OWNER,
    nonce,
    signature: signAsPython({ owner: OWNER, nonce }),
    environment: ENVIRONMENT,
    providerAddress: PROVIDER_ADDRESS,
    input: `[{"index": 0, "id": "did:op:${DATASET}", "url": ["${system.origin}/a.csv", "${system.origin}/b.csv"]}]`,
    algorithm: rawAlgorithm(code),
  })
  const answer = await send('POST', `${system.url}${BASE}/compute`, HEADERS, bytes)
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('jobId')])
  return (answer.body as Status[])[0]!
}

function ask(method: string, path: string, jobId: string, more: Record<string, string> = {}): Promise<Answer> {
  const nonce = nextNonce()
  const parameters = {
    ...{ providerAddress: PROVIDER_ADDRESS, owner: OWNER, jobId, documentId: `did:op:${DATASET}` },
    ...{ providerSignature: signAsPython({ owner: OWNER, jobId, nonce }), nonce, chainId: '8996', ...more },
  }
  return send(method, `${system.url}${BASE}${path}?${query(parameters)}`, HEADERS)
}

async function waitFor(jobId: string, until: (status: Status) => boolean): Promise<Status> {
  const giveUpAtMs = Date.now() + 40_000
  for (;;) {
    const [status] = (await ask('GET', '/compute', jobId)).body as Status[]
    if (status && until(status)) return status
    if (Date.now() > giveUpAtMs) throw new Error(`still ${JSON.stringify(status)}\n${system.output()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const isFinished = (status: Status): boolean => status.dateFinished !== null

describe('a job of provider-py 2.1.6, through the real services', () => {
  it('runs to its end; status, results and ranges come back by the same client', async () => {
    const code = `
      const fs = require('fs')
      const folder = '/data/inputs/${DATASET}'
      const text = fs.readdirSync(folder).sort().map((name) => fs.readFileSync(folder + '/' + name, 'utf8')).join('')
      fs.writeFileSync('/data/outputs/result.txt', text)
      console.log(JSON.parse(process.env.DIDS).length + ' dataset')`
    const started = await start(`0x${'5f'.repeat(32)}`, code)
    expect(started).toMatchObject({ status: 1, statusText: 'Warming up', dateFinished: null, results: '' })

    const ended = await waitFor(started.jobId, isFinished)
    expect(ended).toMatchObject({ status: 70, statusText: 'Job finished', reason: null, exitCode: 0 })
    expect(ended.dateFinished).toMatch(/^\d{10}\.\d{6}$/)
    expect(ended.timeline.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['created', 'claimed', 'provisioned', 'running', 'publishing', 'outputs', 'finished']),
    )
    const results = ended.results === '' ? [] : ended.results
    const types = results.map(({ type }) => type)
    expect(types).toEqual(expect.arrayContaining(['output', 'algorithmLog', 'configrationLog']))
    const indexOf = (type: string): string => String(types.indexOf(type))
    const output = await ask('GET', '/getResult', started.jobId, { index: indexOf('output') })
    expect(output).toMatchObject({ status: 200, text: '/a.csv\n/b.csv\n' })
    expect(output.headers['content-disposition']).toBe('attachment;filename=result.txt')
    const log = await ask('GET', '/getResult', started.jobId, { index: indexOf('algorithmLog') })
    expect(log.text).toBe('1 dataset\n')
    const running = await send('GET', `${system.url}${BASE}/runningjobs?chainId=8996`, HEADERS)
    expect(running.body).toEqual([])
  })

  it('is stopped while it runs', async () => {
    const { jobId } = await start(`0x${'6f'.repeat(32)}`, `console.log('begun'); setTimeout(() => {}, 60_000)`)
    await waitFor(jobId, ({ status }) => status === 40)
    const stop = await ask('PUT', '/compute', jobId, { agreementId: `0x${'6f'.repeat(32)}` })
    expect(stop).toMatchObject({ status: 200, body: [{ jobId, stopreq: 1 }] })
    expect(await waitFor(jobId, isFinished)).toMatchObject({ status: 70, stopreq: 1, reason: 'Stopped' })
  })

  it('error: an input that cannot be had ends it as 31, its log beside it', async () => {
    const code = `console.log('never') // never`
    const nonce = nextNonce()
    const bytes = startBytes({
      agreementId: `0x${'7f'.repeat(32)}`,
      owner: OWNER,
      nonce,
      signature: signAsPython({ owner: OWNER, nonce }),
      environment: ENVIRONMENT,
      providerAddress: PROVIDER_ADDRESS,
      input: `[{"index": 0, "id": "did:op:${DATASET}", "url": ["http://127.0.0.1:1/none.csv"]}]`,
      algorithm: rawAlgorithm(code),
    })
    const answer = await send('POST', `${system.url}${BASE}/compute`, HEADERS, bytes)
    const { jobId } = (answer.body as Status[])[0]!
    const ended = await waitFor(jobId, isFinished)
    expect(ended).toMatchObject({ status: 31, statusText: 'Data provisioning failed', reason: 'InputFetchFailed' })
    expect(ended.results === '' ? [] : ended.results.map(({ type }) => type)).toContain('configrationLog')
  })
})
