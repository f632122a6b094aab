import { Secret } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import { verifyMessage } from 'ethers'
import { buildStoredWorkflow } from '../testing/build-job-row.ts'
import { buildNotification } from './build-notification.ts'

const KEY = new Secret(`0x${'01'.repeat(32)}`)
const ADDRESS = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'
const JOB_ID = '0'.repeat(32)
const [DATASET, ALGORITHM] = [`did:op:${'a'.repeat(64)}`, `did:op:${'b'.repeat(64)}`]

describe('buildNotification', () => {
  it('tells the reference’s five members, signed over their JSON texts', () => {
    const workflow = buildStoredWorkflow()
    workflow.spec.metadata.stages[0]!.input.push({ id: 'did:op:cc' })
    const { signature, ...told } = buildNotification(JOB_ID, workflow, KEY)
    const secret = 'f'.repeat(32)
    expect(told).toEqual({ algoDID: ALGORITHM, jobId: JOB_ID, secret, DID: [DATASET, 'did:op:cc'] })
    const text = `"${secret}"["${DATASET}", "did:op:cc"]"${JOB_ID}""${ALGORITHM}"`
    expect(verifyMessage(text, signature)).toBe(ADDRESS)
  })

  it('behaviour: an algorithm without a DID is null, and signed as null; texts are signed in ASCII', () => {
    const workflow = buildStoredWorkflow()
    delete workflow.spec.metadata.stages[0]!.algorithm.id
    workflow.metadata.secret = 'schlüssel'
    const { signature, algoDID } = buildNotification(JOB_ID, workflow, KEY)
    expect(algoDID).toBeNull()
    expect(verifyMessage(`"schl\\u00fcssel"["${DATASET}"]"${JOB_ID}"null`, signature)).toBe(ADDRESS)
  })
  it('behaviour: of a row that cannot be read, its id is told', () => {
    const { signature, ...told } = buildNotification(JOB_ID, null, KEY)
    expect(told).toEqual({ algoDID: null, jobId: JOB_ID, secret: '', DID: [] })
    expect(verifyMessage(`""[]"${JOB_ID}"null`, signature)).toBe(ADDRESS)
  })
})
