import { recoverSigner } from '@c2d/chain'
import { downloadMessage, parseDownloadToken, type StepDownloads } from '@c2d/contracts'
import { Secret } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import { buildStoredWorkflow } from '../testing/build-job-row.ts'
import { buildDownloads } from './download-grants.ts'

const JOB_ID = 'ab'.repeat(16)
const [OURS, THEIRS, MORE] = ['a', 'b', 'c'].map((digit) => `did:op:${digit.repeat(64)}`) as [string, string, string]
const TX = `0x${'1'.repeat(64)}`
const NOW_MS = 1_700_000_000_000
const consumerAddress = '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf'
const environment = { id: 'env-1', consumerAddress, privateKey: new Secret(`0x${'0'.repeat(63)}1`) }

function downloadsOf(foreign: Record<string, number>): StepDownloads {
  const workflow = buildStoredWorkflow()
  const remote = { txId: TX, serviceId: 'svc', serviceEndpoint: 'https://provider.example' }
  const [stage] = workflow.spec.metadata.stages
  if (!stage) throw new Error('a workflow without a stage')
  stage.algorithm = { ...stage.algorithm, id: '', rawcode: 'print(1)' }
  stage.input = [OURS, THEIRS, MORE].map((id) => {
    const foreignFiles = foreign[id]
    return { id, remote: { ...remote, ...(foreignFiles === undefined ? {} : { foreignFiles }) } }
  })
  return buildDownloads(JOB_ID, workflow, environment, { expiresAt: 1_700_003_600, nowMs: NOW_MS })
}

describe('what a configure step may download', () => {
  it('has a token for each service of ours, bound to job, order and service', () => {
    const { tokens, signed } = downloadsOf({})
    expect(tokens.map(({ did }) => did)).toEqual([OURS, THEIRS, MORE])
    expect(signed).toEqual([])
    expect(parseDownloadToken(tokens[0]?.token ?? '')?.grant).toMatchObject({
      jobId: JOB_ID,
      did: OURS,
      serviceId: 'svc',
    })
  })

  it('behaviour: for other providers it has requests in the order of their nonces, and no token', () => {
    const { tokens, signed } = downloadsOf({ [THEIRS]: 2, [MORE]: 1 })
    expect(tokens.map(({ did }) => did)).toEqual([OURS])
    expect(signed.map(({ did, txId, serviceId }) => [did, txId, serviceId])).toEqual([
      [THEIRS, TX, 'svc'],
      [MORE, TX, 'svc'],
    ])
    const nonces = signed.map(({ requests }) => requests.map(({ nonce }) => Number(nonce)))
    for (const list of nonces) expect(list).toEqual(list.toSorted((a, b) => a - b))
    expect(nonces.flat()).toHaveLength(new Set(nonces.flat()).size)
    expect(nonces[0]?.[0]).toBe(NOW_MS)
    // Of one round, the assets come one after the other.
    expect(nonces[1]?.[0]).toBeGreaterThan(nonces[0]?.[1] ?? Infinity)
    expect(nonces[1]?.[0]).toBeLessThan(nonces[0]?.at(-1) ?? 0)
  })

  it('behaviour: each of them is signed by the environment, for its asset', () => {
    for (const { did, requests } of downloadsOf({ [THEIRS]: 1, [MORE]: 1 }).signed) {
      for (const { nonce, signature } of requests) {
        expect(recoverSigner(downloadMessage({ documentId: did, nonce }), signature)).toBe(consumerAddress)
      }
    }
  })

  it('behaviour: as many files as a job may have there still fit into a Secret', () => {
    const downloads = downloadsOf({ [THEIRS]: 499, [MORE]: 1 })
    expect(downloads.signed.map(({ requests }) => requests.length)).toEqual([1506, 12])
    expect(JSON.stringify(downloads).length).toBeLessThan(500_000)
  })
})
