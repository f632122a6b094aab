import { describe, expect, it } from '@jest/globals'
import { rbacMessage } from './rbac.ts'

const consumerAddress = '0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c'
const CREDENTIALS = `{"type": "address", "value": "${consumerAddress}"}`

describe('what a policy server is signed', () => {
  it('is event and credentials for an access, in Python’s spelling', () => {
    const subject = { did: 'did:op:1', serviceId: 's' }
    expect(rbacMessage({ eventType: 'access', consumerAddress, subject })).toBe(`access${CREDENTIALS}`)
  })

  it('covers the assets of a job', () => {
    const datasets = [{ did: 'did:op:1', serviceId: 'zähl\u{1f600}\u007f' }]
    const algorithms = [{ did: 'did:op:2', serviceId: 's"2' }]
    const question = { eventType: 'compute', consumerAddress, datasets, algorithms, additionalDatasets: [] } as const
    const first =
      `compute${CREDENTIALS}[{"did": "did:op:1", "serviceId": "z\\u00e4hl\\ud83d\\ude00\\u007f"}]` +
      `[{"did": "did:op:2", "serviceId": "s\\"2"}]`
    expect(rbacMessage(question)).toBe(first)
    expect(rbacMessage({ ...question, additionalDatasets: datasets })).toBe(
      `${first}[{"did": "did:op:1", "serviceId": "z\\u00e4hl\\ud83d\\ude00\\u007f"}]`,
    )
  })

  it('behaviour: raw code is an empty list, and a job to stop is named at the end', () => {
    const datasets = [{ did: 'did:op:1', serviceId: null }]
    const question = {
      eventType: 'compute',
      consumerAddress,
      datasets,
      algorithms: [],
      additionalDatasets: [],
    } as const
    const message = `compute${CREDENTIALS}[{"did": "did:op:1", "serviceId": null}][]`
    expect(rbacMessage(question)).toBe(message)
    expect(rbacMessage({ ...question, jobId: 'ab' })).toBe(`${message}ab`)
  })
})
