import { beforeEach, describe, expect, it } from '@jest/globals'
import { ExecutorUnavailableError } from '../executor.ts'
import type { ClusterClient } from './cluster-client.ts'
import { ClusterError } from './cluster-error.ts'
import { refuseObject } from './out-of-room.ts'
import { parseAnchor, type AnchorView } from './views.ts'

const PLACE_MS = 60_000
const QUOTA = new ClusterError(403, 'Forbidden', 'persistentvolumeclaims "x" is forbidden: exceeded quota: jobs')
const RULE = new ClusterError(403, 'Forbidden', 'admission webhook "policy" denied the request')

describe('an object that the cluster refuses', () => {
  let anchor: AnchorView
  let data: Record<string, string>
  const notAsked = () => Promise.reject(new Error('not asked for here'))
  const build = () => ({
    metadata: { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    data,
  })
  const client: ClusterClient = {
    create: notAsked,
    get: notAsked,
    delete: notAsked,
    open: notAsked,
    close: () => undefined,
    patch(_, patch) {
      const merged = { ...data, ...(patch as { data: Record<string, string | null> }).data }
      data = Object.fromEntries(
        Object.entries(merged).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
      )
      return Promise.resolve(build())
    },
  }
  const room = {
    namespace: 'jobs',
    anchors: {
      take: (taken: AnchorView) => {
        anchor = taken
      },
    },
  }
  const refuse = (thrown: unknown, afterMs: number) =>
    refuseObject({ room, anchor, placeMs: PLACE_MS }, { key: 'configure.1', thrown, nowMs: afterMs }, client)

  beforeEach(() => {
    data = {}
    anchor = parseAnchor(build())
  })

  it('behaviour: a quota that is used up frees itself: it is asked again for as long as a place is waited for', async () => {
    await expect(refuse(QUOTA, 0)).rejects.toBeInstanceOf(ExecutorUnavailableError)
    // Its start was noted at the same time as it was asked for: it was none.
    data['configure.1'] = JSON.stringify({ at: '2026-01-01T00:00:00Z' })
    await expect(refuse(QUOTA, PLACE_MS - 1)).rejects.toThrow('exceeded quota')
    expect(data).not.toHaveProperty('configure.1')
    expect(await refuse(QUOTA, PLACE_MS + 1)).toMatchObject({ reason: 'Unschedulable' })
    expect(JSON.parse(data['configure.1'] ?? '')).toMatchObject({ refused: { reason: 'Unschedulable' } })
  })

  it('behaviour: what a rule forbids it will forbid again', async () => {
    expect(await refuse(RULE, 0)).toMatchObject({ reason: 'StartFailed', message: RULE.message })
    expect(JSON.parse(data['configure.1'] ?? '')).toMatchObject({ refused: { reason: 'StartFailed' } })
  })

  it('error: what is no refusal goes on as it is', async () => {
    const trouble = new Error('no answer')
    await expect(refuse(trouble, 0)).rejects.toBe(trouble)
    expect(data).toEqual({})
  })
})
