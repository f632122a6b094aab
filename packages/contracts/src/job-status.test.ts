import { describe, expect, it } from '@jest/globals'
import { isLegalTransition, JOB_STATUS, jobStatusName, STEPS, type JobStatusName } from './job-status.ts'

const names = Object.keys(JOB_STATUS) as JobStatusName[]

/** The rows of operator-service-api §7 that name a status. */
const wireTable: [JobStatusName, number, string][] = [
  ['warmingUp', 1, 'Warming up'],
  ['started', 10, 'Job started'],
  ['configuring', 20, 'Configuring volumes'],
  ['provisioned', 30, 'Provisioning success'],
  ['inputFailed', 31, 'Data provisioning failed'],
  ['algorithmFailed', 32, 'Algorithm provisioning failed'],
  ['running', 40, 'Running algorithm '],
  ['filtering', 50, 'Filtering results'],
  ['publishing', 60, 'Publishing results'],
  ['finished', 70, 'Job finished'],
]

function reachableFrom(start: JobStatusName): Set<JobStatusName> {
  const reached = new Set<JobStatusName>([start])
  for (const name of reached) for (const next of names) if (isLegalTransition(name, next)) reached.add(next)
  return reached
}

describe('job status table', () => {
  it.each(wireTable)('behaviour: %s is %i on the wire, with its exact text', (name, code, text) => {
    expect(JOB_STATUS[name]).toMatchObject({ code, text })
    expect(jobStatusName(code)).toBe(name)
  })

  it('behaviour: the table has the statuses of the wire and no others, each with a code of its own', () => {
    expect(names).toEqual(wireTable.map(([name]) => name))
    expect(new Set(names.map((name) => JOB_STATUS[name].code)).size).toBe(names.length)
  })

  it('behaviour: every status is reachable from warming up, but the one that nobody writes', () => {
    const reached = reachableFrom('warmingUp')
    expect(names.filter((name) => !reached.has(name))).toEqual(['started'])
  })

  it.each(names)('behaviour: whatever follows %s is a status of the table', (name) => {
    for (const next of JOB_STATUS[name].next) expect(names).toContain(next)
  })

  it('behaviour: nothing goes back, so every job comes to an end', () => {
    for (const name of names) {
      for (const next of names.filter((other) => isLegalTransition(name, other))) {
        expect(JOB_STATUS[next].code).toBeGreaterThan(JOB_STATUS[name].code)
      }
    }
  })

  it('behaviour: failed provisioning and the end are final', () => {
    expect(names.filter((name) => JOB_STATUS[name].next.length === 0)).toEqual([
      'inputFailed',
      'algorithmFailed',
      'finished',
    ])
  })

  it('behaviour: the algorithm runs only after provisioning succeeded', () => {
    expect(names.filter((name) => isLegalTransition(name, 'running'))).toEqual(['provisioned'])
  })

  it('behaviour: every step is at work in some status', () => {
    for (const step of STEPS) expect(names.some((name) => JOB_STATUS[name].step === step)).toBe(true)
  })

  it.each([0, 11, 41, 71, -1, 1.5, Number.NaN])('error: code %p is unknown', (code) => {
    expect(() => jobStatusName(code)).toThrow(RangeError)
  })
})
