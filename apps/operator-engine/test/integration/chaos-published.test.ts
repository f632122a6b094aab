import type { JobEvent } from '@c2d/contracts'
import type { DerivedAssetRow, JobRow } from '@c2d/operator-db'
import { describe, expect, it } from '@jest/globals'
import { buildJobRow } from '../../src/testing/build-job-row.ts'
import { buildChaosJob } from '../chaos/chaos-job.ts'
import { checkNfts, checkPublishedJob, type PublishedEvidence } from '../chaos/check-published-job.ts'

const CONTAINER = { image: 'node', tag: '20', checksum: 'sha256:0' }
const CHAOS_PLACE = {
  origin: '127.0.0.1:1',
  place: { container: CONTAINER, lives: 'lines' },
  publishing: null,
} as const
const ORDINARY = { atMs: 0, behaviour: 'short', lastsMs: 100, isNotified: true, stopAtMs: null } as const
const NFT = '0x00000000000000000000000000000000000000A1'
const ASSET: DerivedAssetRow = {
  jobId: '',
  state: 'published',
  did: 'did:op:1',
  nft: NFT,
  datatoken: '0x1',
  note: null,
}
const RESULT = { filename: 'runs', filesize: 1, url: 'filesystem:x', type: 'output' as const }
const GOOD: Partial<JobRow> = { status: 70, reason: null, exitCode: 0, dateFinished: '1.000000', outputs: [RESULT] }
const mined = (purpose: string) => ({ purpose, state: 'mined' as const })
const events = (names: string[]): JobEvent[] => names.map((what, atMs) => ({ what, atMs, by: 'test' }))
const evidenceWith = (changes: Partial<PublishedEvidence>): PublishedEvidence => ({
  job: buildChaosJob(1, 0, ORDINARY, CHAOS_PLACE),
  row: { ...buildJobRow(), ...GOOD },
  events: events(['finished', 'proven', 'anchored', 'assetPublished']),
  asset: ASSET,
  faults: [],
  told: 1,
  transactions: ['create', 'describe', 'transfer', 'anchor'].map(mined),
  ...changes,
})
const kinds = (changes: Partial<PublishedEvidence>): string[] =>
  checkPublishedJob(evidenceWith(changes)).map(({ kind }) => kind)

describe('what chaos holds the chain against', () => {
  it('is content with a job of which one asset was made, and whose order was told once', () => {
    expect(kinds({})).toEqual([])
    expect(checkNfts([NFT], [ASSET, null])).toEqual([])
  })

  it('is content with a job that failed and has no asset', () => {
    const row = { ...buildJobRow(), ...GOOD, reason: 'AlgorithmFailed' as const, exitCode: 7 }
    const failed = { row, asset: null, transactions: [mined('anchor')], events: events(['finished', 'anchored']) }
    expect(kinds(failed)).toEqual([])
    expect(kinds({ ...failed, asset: ASSET })).toEqual(['wrong'])
  })

  it.each<[string, Partial<PublishedEvidence>, string]>([
    ['was to have an asset and has none', { asset: null }, 'lost'],
    ['was refused its asset', { asset: { ...ASSET, state: 'refused', nft: null } }, 'lost'],
    [
      'is said to have published twice',
      { events: events(['anchored', 'assetPublished', 'assetPublished']) },
      'doubled',
    ],
    ['has an asset that is somebody else’s', { faults: ['its asset belongs to nobody'] }, 'wrong'],
    ['was anchored twice', { told: 2 }, 'doubled'],
    ['was said to be anchored and is not', { told: 0 }, 'lost'],
    ['has a transaction that hangs', { transactions: [{ purpose: 'create', state: 'sent' }] }, 'wrong'],
    ['has a transaction too many', { transactions: ['a', 'b', 'c', 'd', 'e'].map(mined) }, 'wrong'],
  ])('error: a job that %s', (_, changes, kind) => {
    expect(kinds(changes)).toContain(kind)
  })

  it('error: an NFT that is nobody’s, that is not there, or that is of two jobs', () => {
    expect(checkNfts([NFT, '0x2'], [ASSET]).map(({ kind }) => kind)).toEqual(['doubled'])
    expect(checkNfts([], [ASSET]).map(({ kind }) => kind)).toEqual(['lost'])
    expect(checkNfts([NFT], [ASSET, ASSET]).map(({ kind }) => kind)).toEqual(['wrong'])
  })
})
