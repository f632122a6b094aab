import type { JobEvent } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'
import { describe, expect, it } from '@jest/globals'
import { buildJobRow } from '../../src/testing/build-job-row.ts'
import { buildChaosJob, type ChaosJob } from '../chaos/chaos-job.ts'
import { checkJob, type JobEvidence } from '../chaos/check-job.ts'

const CONTAINER = { image: 'node', tag: '20', checksum: 'sha256:0' }
const CHAOS_PLACE = {
  origin: '127.0.0.1:1',
  place: { container: CONTAINER, lives: 'lines' },
  publishing: null,
} as const
const ORDINARY = { atMs: 0, behaviour: 'short', lastsMs: 100, isNotified: true, stopAtMs: null } as const
const RUN = { begunMs: 1_000, lastMs: 1_100, isDone: true, hasOverlapped: false }
const TIMELINE = ['created', 'claimed', 'provisioned', 'running', 'publishing', 'finished', 'proven']

const events = (names: string[]): JobEvent[] => names.map((what, atMs) => ({ what, atMs, by: 'test' }))
const job = (changes: Partial<ChaosJob> = {}): ChaosJob => ({
  ...buildChaosJob(1, 0, ORDINARY, CHAOS_PLACE),
  ...changes,
})
const good = { status: 70, reason: null, exitCode: 0, dateFinished: '1.000000', epoch: 1 } as const
const rowWith = (changes: Partial<JobRow>): JobRow => ({ ...buildJobRow(), ...changes })
const kinds = (changes: Partial<JobEvidence>): string[] =>
  checkJob({ job: job(), row: rowWith(good), events: events(TIMELINE), runs: [RUN], ...changes }).map(
    ({ kind }) => kind,
  )

describe('what chaos holds a job against', () => {
  it('is content with a job that ran once and ended once', () => {
    expect(kinds({})).toEqual([])
  })

  it.each<[string, Partial<JobEvidence>, string]>([
    ['has no row', { row: null }, 'lost'],
    ['has no end', { row: rowWith({ ...good, dateFinished: null }) }, 'lost'],
    ['ended twice', { events: events([...TIMELINE, 'finished']) }, 'doubled'],
    ['has two proofs', { events: events([...TIMELINE, 'proven']) }, 'doubled'],
    ['has no proof', { events: events(TIMELINE.slice(0, -1)) }, 'lost'],
    ['was claimed twice', { events: events(['claimed', ...TIMELINE]) }, 'doubled'],
    ['ran again after its end', { runs: [RUN, { ...RUN, begunMs: 2_000, lastMs: 2_100 }] }, 'doubled'],
    ['began again for no reason', { runs: [RUN, { ...RUN, begunMs: 2_000, isDone: false }] }, 'doubled'],
    ['met itself', { runs: [RUN, { ...RUN, begunMs: 1_050 }] }, 'overlapped'],
    ['found its own lock', { runs: [{ ...RUN, hasOverlapped: true }] }, 'overlapped'],
    ['did something after its end', { events: events([...TIMELINE, 'outcome']) }, 'wrong'],
    ['lost a step that nobody took', { row: rowWith({ ...good, reason: 'StepLost' }) }, 'wrong'],
    ['was adopted unnoticed', { row: rowWith({ ...good, epoch: 2 }) }, 'wrong'],
    ['is said to be good and did nothing', { runs: [] }, 'wrong'],
  ])('error: a job that %s', (_, evidence, kind) => {
    expect(kinds(evidence)).toContain(kind)
  })

  it('behaviour: a job may begin again, once, when its algorithm was taken away before its end', () => {
    const killed = job({ killed: [{ step: 'algorithm', what: 'runner' }] })
    const first = { ...RUN, begunMs: 100, lastMs: 200, isDone: false }
    expect(kinds({ job: killed, runs: [first, RUN] })).toEqual([])
    expect(kinds({ job: killed, runs: [first, { ...first, begunMs: 300, lastMs: 400 }, RUN] })).toEqual(['doubled'])
  })

  it('behaviour: a job may have lost a step, or been stopped, if that was done to it', () => {
    const lost = rowWith({ ...good, reason: 'StepLost', exitCode: null })
    expect(kinds({ job: job({ killed: [{ step: 'algorithm', what: 'runner' }] }), row: lost })).toEqual([])
    const stopped = rowWith({ ...good, reason: 'Stopped', exitCode: null })
    expect(kinds({ job: job({ isStopAsked: true }), row: stopped, runs: [] })).toEqual([])
  })
})
