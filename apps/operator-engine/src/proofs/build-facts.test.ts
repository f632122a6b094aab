import { JOB_STATUS, type FileSalt } from '@c2d/contracts'
import type { JobRow } from '@c2d/operator-db'
import { buildStatement, saltHash } from '@c2d/proof'
import { describe, expect, it } from '@jest/globals'
import { readConfig } from '../config.ts'
import { buildJobRow, buildStoredWorkflow } from '../testing/build-job-row.ts'
import { buildFacts } from './build-facts.ts'

const environment = readConfig({
  DATABASE_URL: 'postgres://x',
  POD_DATABASE_URL: 'postgres://y',
  WORKSPACES_FOLDER: '/w',
  RESULTS_FOLDER: '/r',
  POD_CONFIGURATION_PROGRAM: 'c',
  POD_PUBLISHING_PROGRAM: 'p',
  ENVIRONMENTS: JSON.stringify([{ id: 'local-free', privateKey: `0x${'01'.repeat(32)}` }]),
}).environments[0]!
const place = { environment, executor: 'process' } as const
const SHA = 'e'.repeat(64)
const DATASET = `did:op:${'a'.repeat(64)}`

const buildFinished = (changes: Partial<JobRow> = {}): JobRow => ({
  ...buildJobRow(),
  status: JOB_STATUS.finished.code,
  dateFinished: '1700000003.250000',
  exitCode: 0,
  staging: { files: [{ did: DATASET, index: 0, sha256: SHA, sizeBytes: 3 }] },
  outputs: [
    { filename: 'mean.csv', filesize: 3, url: 'filesystem:x', type: 'output', sha256: SHA, path: 'outputs/a/mean.csv' },
    { filename: 'algorithm.log', filesize: 0, url: 'filesystem:y', type: 'algorithmLog', sha256: SHA },
    { filename: 'old.log', filesize: 0, url: 'filesystem:z', type: 'publishLog' },
  ],
  ...changes,
})
const TIMELINE = [
  { what: 'claimed', atMs: 1, by: 'engine a' },
  {
    what: 'finished',
    atMs: 2,
    by: 'engine a',
    detail: {
      steps: {
        algorithm: { attempt: 1, startedAtMs: 10.25, endedAtMs: 20 },
        configure: { attempt: 1, startedAtMs: 1, endedAtMs: 9 },
      },
    },
  },
]

describe('buildFacts', () => {
  it('behaviour: what the row and the timeline hold is what a proof says', () => {
    const facts = buildFacts(buildFinished(), TIMELINE, place)!
    expect(facts.files).toEqual([
      { name: 'outputs/a/mean.csv', digest: { sha256: SHA } },
      { name: 'algorithmLog/algorithm.log', digest: { sha256: SHA } },
    ])
    expect(facts.predicate).toMatchObject({
      job: { chainId: 8996, consumer: buildJobRow().owner },
      environment: { id: 'local-free', address: environment.consumerAddress },
      datasets: [{ did: DATASET, serviceId: 'compute', files: [{ index: 0, sha256: SHA }] }],
      algorithm: { did: `did:op:${'b'.repeat(64)}`, files: [], image: 'node:20', imageDigest: null },
      execution: {
        exitCode: 0,
        reason: null,
        steps: [
          { name: 'configure', attempt: 1, startedAtMs: 1, endedAtMs: 9 },
          { name: 'algorithm', attempt: 1, startedAtMs: 10, endedAtMs: 20 },
        ],
      },
      createdAtMs: 1_700_000_000_000,
      finishedAtMs: 1_700_000_003_250,
    })
    expect(() => buildStatement(facts.predicate, facts.files)).not.toThrow()
  })

  it('behaviour: an image has a digest only where it was pulled by it', () => {
    const digestOf = (executor: 'process' | 'kubernetes', checksum: string | null) => {
      const job = buildFinished({ workflow: buildStoredWorkflow() })
      job.workflow!.spec.metadata.stages[0]!.algorithm.container.checksum = checksum
      return buildFacts(job, TIMELINE, { environment, executor })?.predicate.algorithm.imageDigest
    }
    const pinned = `sha256:${SHA}`
    expect(digestOf('kubernetes', pinned)).toBe(pinned)
    expect(digestOf('process', pinned)).toBeNull() // which runs no image at all
    expect([digestOf('kubernetes', 'latest'), digestOf('kubernetes', null)]).toEqual([null, null])
  })

  it('behaviour: a job that failed before anything ran has a proof that says so', () => {
    const job = buildFinished({ outputs: null, staging: null, exitCode: null, reason: 'InputFetchFailed' })
    const facts = buildFacts(job, [], place)!
    expect(facts.files).toEqual([])
    expect(facts.predicate.execution).toMatchObject({ reason: 'InputFetchFailed', exitCode: null, steps: [] })
    expect(buildStatement(facts.predicate, facts.files).subject).toHaveLength(1)
  })

  it('behaviour: where an owner wants hashes salted, the statement has no other, the same each time, another each job', () => {
    const salted = (jobId: string) => {
      const job = buildFinished({ jobId, workflow: buildStoredWorkflow() })
      job.workflow!.spec.metadata.stages[0]!.input[0]!.saltFileHashes = true
      return buildFacts(job, TIMELINE, place)!
    }
    const { predicate, salts, files } = salted('1'.repeat(32))
    const [{ salt }] = salts as [FileSalt]
    expect(salts).toEqual([{ did: DATASET, salt: expect.stringMatching(/^[0-9a-f]{64}$/) }])
    expect(predicate.datasets[0]?.files).toEqual([{ index: 0, sha256: saltHash(salt, SHA), salted: true }])
    expect(JSON.stringify({ ...predicate, algorithm: null })).not.toContain(SHA)
    expect(JSON.stringify({ predicate, files })).not.toContain(salt)
    expect(salted('1'.repeat(32))).toEqual({ predicate, salts, files })
    expect(salted('2'.repeat(32)).salts[0]?.salt).not.toBe(salt)
  })

  it('behaviour: what is not finished, or cannot be read, is not vouched for', () => {
    expect(buildFacts(buildFinished({ dateFinished: null }), [], place)).toBeNull()
    expect(buildFacts(buildFinished({ workflow: null }), [], place)).toBeNull()
  })
})
