import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ENVIRONMENT, nextNonce, startOperator, type OperatorUnderTest } from './operator-under-test.ts'
import { HEADERS, PROVIDER_ADDRESS, query, send, signAsPython, startBytes } from './provider-py-client.ts'

const OWNER = '0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA'
/** The reference's own test vector: this signature is of owner + nonce, by this wallet. */
const VECTOR = {
  wallet: '0xe17D2A07EFD5b112F4d675ea2d122ddb145D117B',
  nonce: '1795197316562391143',
  signature:
    '0x8cc2a85cd14163edb3f54be8614b8053cccfb4f8bf17d3d663b29a991cf4f2241d62a8d3301c8defcb11cd6f754e72905099b7d84ad4bde5f9146ae1de41632501',
}
let operator: OperatorUnderTest

beforeAll(async () => {
  operator = await startOperator({ allowedProviders: [VECTOR.wallet, PROVIDER_ADDRESS] })
})
afterAll(() => operator.close())

const INPUT =
  '[{"index": 0, "id": "did:op:1111", "remote": {"txId": "0xaaa", "serviceId": "ccb3", "userdata": {"year": "2023"}}}, ' +
  '{"index": 1, "id": "did:op:2222", "url": ["https://example.org/a.csv", "https://example.org/b.csv"]}]'
const ALGORITHM =
  '{"id": "did:op:3333", "rawcode": "", "container": {"entrypoint": "node $ALGO", "image": "node", "tag": "14", ' +
  '"checksum": "sha256:1234"}, "algouserdata": null, "algocustomdata": {"k": 1, "name": "\\u00e9"}, "remote": ' +
  '{"serviceEndpoint": "http://172.15.0.4:8030", "txId": "0xbbb", "serviceId": "d1e2", "userData": null}}'

const bytesOf = (m: { agreementId: string; nonce: string; signature: string; algorithm?: string }): string =>
  startBytes({
    owner: OWNER,
    environment: ENVIRONMENT,
    providerAddress: VECTOR.wallet,
    input: INPUT,
    algorithm: ALGORITHM,
    ...m,
  })

const call = (method: string, path: string, headers: Record<string, string>, bytes?: string) =>
  send(method, `${operator.url}${path}`, headers, bytes)

async function startOne(agreementId: string, algorithm?: string): Promise<string> {
  const nonce = nextNonce()
  const signature = signAsPython({ owner: OWNER, nonce })
  const bytes = bytesOf({ agreementId, nonce, signature, ...(algorithm ? { algorithm } : {}) })
  const answer = await call('POST', '/api/v1/operator/compute', HEADERS, bytes)
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('jobId')])
  return (answer.body as { jobId: string }[])[0]!.jobId
}

describe('provider-py 2.1.6, signatures required', () => {
  it('default: the vector of the reference starts a job, and its bytes again are the same job', async () => {
    const bytes = bytesOf({ agreementId: '0xvector', nonce: VECTOR.nonce, signature: VECTOR.signature })
    const first = await call('POST', '/api/v1/operator/compute', HEADERS, bytes)
    expect(first.status).toBe(200)
    expect(first.body).toMatchObject([
      {
        agreementId: '0xvector',
        owner: OWNER,
        status: 1,
        algoDID: 'did:op:3333',
        inputDID: ['did:op:1111', 'did:op:2222'],
      },
    ])
    const again = await call('POST', '/api/v1/operator/compute', HEADERS, bytes)
    expect((again.body as { jobId: string }[])[0]?.jobId).toBe((first.body as { jobId: string }[])[0]?.jobId)
    const rows = operator.db('jobs').where({ agreementid: '0xvector' })
    expect(await rows.pluck('provider')).toEqual([VECTOR.wallet.toLowerCase()])
  })

  it('behaviour: raw code without id or url is taken as it is sent', async () => {
    const jobId = await startOne(
      '0xraw',
      '{"id": "", "url": null, "rawcode": "console.log(1); // raw", "container": {"entrypoint": "node $ALGO", ' +
        '"image": "node", "tag": "14", "checksum": "sha256:1234"}}',
    )
    const nonce = nextNonce()
    const signed = { owner: OWNER, jobId, nonce, providerSignature: signAsPython({ owner: OWNER, jobId, nonce }) }
    const status = await call('GET', `/api/v1/operator/compute?${query(signed)}`, HEADERS)
    expect(status.body).toMatchObject([{ jobId, algoDID: '', dateFinished: null, results: '' }])
  })

  it('behaviour: status, stop and delete with what it puts in the query', async () => {
    const jobId = await startOne('0xquery')
    const parameters = (m: { jobId?: string }): string => {
      const nonce = nextNonce()
      return query({
        providerAddress: PROVIDER_ADDRESS,
        owner: OWNER,
        ...m,
        documentId: 'did:op:1111',
        agreementId: '0xquery',
        providerSignature: signAsPython({ owner: OWNER, ...m, nonce }),
        nonce,
        chainId: '8996',
      })
    }
    const status = await call('GET', `/api/v1/operator/compute?${parameters({ jobId })}`, HEADERS)
    expect(status).toMatchObject({ status: 200, body: [{ jobId, stopreq: 0 }] })
    const byAgreement = await call('GET', `/api/v1/operator/compute?${parameters({})}`, HEADERS)
    expect(byAgreement).toMatchObject({ status: 200, body: [{ jobId }] })
    const stop = await call('PUT', `/api/v1/operator/compute?${parameters({ jobId })}`, HEADERS)
    expect(stop).toMatchObject({ status: 200, body: [{ jobId, stopreq: 1 }] })
    const removal = await call('DELETE', `/api/v1/operator/compute?${parameters({ jobId })}`, HEADERS)
    expect(removal).toMatchObject({ status: 200, text: '""' })
    expect(status.headers['content-type']).toMatch(/^application\/json/)
  })

  it('behaviour: a result, whole and by range, with the consumer signature it forwards', async () => {
    const jobId = await startOne('0xresult')
    const stored = await operator.results.put(jobId, 'outputs/res.csv', Readable.from(['a,b\n1,2\n']))
    const entry = { filename: 'res.csv', filesize: 8, url: stored.url, type: 'output', sha256: stored.sha256 }
    await operator
      .db('jobs')
      .where({ workflowid: jobId })
      .update({ outputsurl: JSON.stringify([entry]) })
    const fetchResult = (headers: Record<string, string>) => {
      const nonce = nextNonce()
      const parameters = query({
        index: '0',
        owner: OWNER,
        jobId,
        consumerSignature: '0xignored',
        providerSignature: signAsPython({ owner: OWNER, jobId, nonce }),
        nonce,
      })
      return call('GET', `/api/v1/operator/getResult?${parameters}`, headers)
    }
    expect(await fetchResult(HEADERS)).toMatchObject({
      status: 200,
      text: 'a,b\n1,2\n',
      headers: { 'content-disposition': 'attachment;filename=res.csv' },
    })
    expect(await fetchResult({ ...HEADERS, Range: 'bytes=4-' })).toMatchObject({ status: 206, text: '1,2\n' })
  })

  it('behaviour: environments by chain, unsigned', async () => {
    const environments = await call('GET', '/api/v1/operator/environments?chainId=8996', HEADERS)
    expect(environments).toMatchObject({ status: 200, body: [{ id: ENVIRONMENT }] })
  })

  it('error: a signature without the nonce, as the reference checks it, is nobody it knows', async () => {
    const nonce = nextNonce()
    const signature = signAsPython({ owner: OWNER, nonce: '' })
    const bytes = bytesOf({ agreementId: '0xold', nonce, signature })
    expect((await call('POST', '/api/v1/operator/compute', HEADERS, bytes)).status).toBe(401)
  })
})
