import { describe, expect, it } from '@jest/globals'
import { readConfig } from '../config.ts'
import { buildStoredWorkflow } from '../testing/build-job-row.ts'
import { buildAlgorithmStep } from './algorithm-step.ts'

const NOW_MS = 1_700_000_000_000
const environment = readConfig({
  DATABASE_URL: 'postgres://x',
  POD_DATABASE_URL: 'postgres://y',
  WORKSPACES_FOLDER: '/w',
  RESULTS_FOLDER: '/r',
  POD_CONFIGURATION_PROGRAM: 'c',
  POD_PUBLISHING_PROGRAM: 'p',
  ENVIRONMENTS: JSON.stringify([
    { id: 'local-free', privateKey: `0x${'01'.repeat(32)}`, ramGB: 0.5, maxJobDuration: 7 },
  ]),
}).environments[0]!

describe('buildAlgorithmStep', () => {
  it('gives a published algorithm what it relies on, and nothing of ours', () => {
    const workflow = buildStoredWorkflow()
    expect(buildAlgorithmStep(workflow, environment, null, NOW_MS)).toEqual({
      kind: 'algorithm',
      image: 'node@sha256:00',
      allowNetworkAccess: false,
      command: ['sh', '-c', 'node /data/transformations/algorithm'],
      env: {
        DIDS: `["${'a'.repeat(64)}"]`,
        TRANSFORMATION_DID: 'b'.repeat(64),
        VOLUME: '/data',
        INPUTS: '/data/inputs',
        OUTPUTS: '/data/outputs',
        LOGS: '/data/logs',
        secret: 'f'.repeat(32),
      },
      limits: {
        maxDurationSeconds: 7,
        memoryBytes: 512 * 1024 ** 2,
        workspaceBytes: 1024 ** 3,
        graceSeconds: 5,
        logBytes: 10 * 1024 ** 2,
      },
    })
  })

  it('replaces every $ALGO of an entrypoint, as text, and separates DIDs with a blank', () => {
    const workflow = buildStoredWorkflow()
    const stage = workflow.spec.metadata.stages[0]!
    stage.algorithm.container.entrypoint = 'chmod +x $ALGO && $ALGO --fast'
    stage.input.push({ id: `did:op:${'c'.repeat(64)}` })
    const step = buildAlgorithmStep(workflow, environment, null, NOW_MS)
    expect(step.command[2]).toBe('chmod +x /data/transformations/algorithm && /data/transformations/algorithm --fast')
    expect(step.env['DIDS']).toBe(`["${'a'.repeat(64)}", "${'c'.repeat(64)}"]`)
  })

  it.each([
    [{ tag: '20', checksum: 'sha256:00' }, 'node@sha256:00'],
    [{ tag: '20', checksum: '' }, 'node:20'],
    [{ tag: '', checksum: null }, 'node'],
  ])('behaviour: the image of %j is %s', (given, image) => {
    const workflow = buildStoredWorkflow()
    Object.assign(workflow.spec.metadata.stages[0]!.algorithm.container, given)
    expect(buildAlgorithmStep(workflow, environment, null, NOW_MS).image).toBe(image)
  })

  it('behaviour: network is allowed only where the provider wrote so', () => {
    const workflow = buildStoredWorkflow()
    workflow.spec.metadata.stages[0]!.compute['allowNetworkAccess'] = true
    expect(buildAlgorithmStep(workflow, environment, null, NOW_MS).allowNetworkAccess).toBe(true)
    workflow.spec.metadata.stages[0]!.compute['allowNetworkAccess'] = 'true'
    expect(buildAlgorithmStep(workflow, environment, null, NOW_MS).allowNetworkAccess).toBe(false)
  })

  it('behaviour: a raw algorithm has an empty DID', () => {
    const workflow = buildStoredWorkflow()
    workflow.spec.metadata.stages[0]!.algorithm.id = ''
    expect(buildAlgorithmStep(workflow, environment, null, NOW_MS).env['TRANSFORMATION_DID']).toBe('')
  })

  it('behaviour: the backstop ends with what is paid for', () => {
    const secondsFor = (validUntil: number) =>
      buildAlgorithmStep(buildStoredWorkflow(), environment, validUntil, NOW_MS).limits.maxDurationSeconds
    expect(secondsFor(NOW_MS / 1000 + 3)).toBe(3)
    expect(secondsFor(NOW_MS / 1000 + 100)).toBe(7)
    expect(secondsFor(NOW_MS / 1000 - 100)).toBe(1)
  })
})
