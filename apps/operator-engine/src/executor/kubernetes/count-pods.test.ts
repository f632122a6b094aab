import { describe, expect, it } from '@jest/globals'
import { countPods } from './count-pods.ts'
import { LABEL } from './names.ts'
import { parsePod } from './views.ts'

const pod = (environment: string, phase: string) =>
  parsePod({
    metadata: {
      name: 'p',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { [LABEL.environment]: environment },
    },
    spec: {},
    status: { phase },
  })
const room = (...pods: ReturnType<typeof pod>[]) => ({ pods: { values: () => pods.values() } })

describe('countPods', () => {
  it('counts the pods of an environment by phase, whichever namespace they are in, and leaves out those of others', () => {
    const rooms = [
      room(pod('free', 'Running'), pod('free', 'Running'), pod('other', 'Running')),
      room(pod('free', 'Failed')),
    ]
    const counts = countPods(rooms, [{ id: 'free' }])
    expect(counts.filter(({ count }) => count > 0)).toEqual([
      { environment: 'free', phase: 'Running', count: 2 },
      { environment: 'free', phase: 'Failed', count: 1 },
    ])
  })

  it('behaviour: an environment without pods has every phase, at nought', () => {
    expect(countPods([], [{ id: 'paid' }])).toHaveLength(5)
    expect(new Set(countPods([], [{ id: 'paid' }]).map(({ count }) => count))).toEqual(new Set([0]))
  })

  it('behaviour: an environment is found again whose id is no label’s value', () => {
    expect(countPods([room(pod('paid_here', 'Pending'))], [{ id: 'paid here' }])[0]).toEqual({
      environment: 'paid here',
      phase: 'Pending',
      count: 1,
    })
  })
})
