import { describe, expect, it } from '@jest/globals'
import { awaitVolume } from './await-volume.ts'
import { buildClaimName } from './names.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { parseClaim, type ClaimView } from './views.ts'

const JOB = 'a'.repeat(32)
const claimIn = (phase: string): ClaimView =>
  parseClaim({
    metadata: { name: buildClaimName(JOB), uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { storageClassName: 'fast' },
    status: { phase },
  })

describe('waiting for the volume of a job', () => {
  /** Waits; `moves` are what its claim is after each look. @returns how often it looked again */
  async function looksOf(first: ClaimView | undefined, moves: ClaimView[], lateClasses = new Set<string>()) {
    const claims = new Map<string, ClaimView>()
    if (first) claims.set(buildClaimName(JOB), first)
    let looks = 0
    await awaitVolume({ claims, lateClasses } as unknown as NamespaceRoom, JOB, () => {
      const next = moves[looks++]
      if (next) claims.set(buildClaimName(JOB), next)
      return Promise.resolve()
    })
    return looks
  }

  it('behaviour: ends when the claim is bound, and not before', async () => {
    expect(await looksOf(claimIn('Pending'), [claimIn('Pending'), claimIn('Pending'), claimIn('Bound')])).toBe(3)
  })

  it.each<[string, ClaimView | undefined, Set<string>]>([
    ['a claim that is bound', claimIn('Bound'), new Set()],
    ['a claim that is lost, as its pods will tell', claimIn('Lost'), new Set()],
    ['no claim', undefined, new Set()],
    ['a class that waits for the first pod', claimIn('Pending'), new Set(['fast'])],
  ])('behaviour: never waits for %s', async (_title, claim, lateClasses) => {
    expect(await looksOf(claim, [], lateClasses)).toBe(0)
  })

  it('behaviour: goes ahead where no volume comes', async () => {
    expect(await looksOf(claimIn('Pending'), [])).toBeGreaterThan(0)
  }, 20_000)

  it('reads from a claim that its volume is made for its pod', () => {
    const annotations = { 'volume.kubernetes.io/selected-node': 'node' }
    const metadata = {
      name: 'c',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations,
    }
    expect(parseClaim({ metadata })).toMatchObject({ followsPod: true, storageClass: '', phase: 'Pending' })
    expect(claimIn('Bound').followsPod).toBe(false)
  })
})
