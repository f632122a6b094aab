import { describe, expect, it } from '@jest/globals'
import { readRefusedObject } from './anchor-memory.ts'
import { ClusterError, ClusterUnavailableError } from './cluster-error.ts'

describe('readRefusedObject', () => {
  it.each([
    ['what an admission rule forbids', 403, 'pods "x" is forbidden: violates PodSecurity "restricted"', 'StartFailed'],
    ['what is no valid object', 422, 'Job "x" is invalid: spec: too long', 'StartFailed'],
    ['what a quota has no room for', 403, 'configmaps "x" is forbidden: exceeded quota: jobs', 'Unschedulable'],
    [
      'an API server that has not read yet what the engine may do',
      403,
      'jobs.batch is forbidden: User "engine" cannot create resource "jobs" in API group "batch"',
      undefined,
    ],
    ['what somebody else made first', 409, 'jobs.batch "x" already exists', undefined],
  ])('%s', (_, status, message, reason) => {
    expect(readRefusedObject(new ClusterError(status, '', message))?.reason).toBe(reason)
  })

  it('an API server that does not answer has refused nothing', () => {
    expect(readRefusedObject(new ClusterUnavailableError('away'))).toBeNull()
  })
})
