import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { loadAllYaml } from '@kubernetes/client-node'
import { z } from 'zod'
import type { StepName, StepSpec } from '../../src/executor/executor.ts'
import { buildPodSpec } from '../../src/executor/kubernetes/build-pod.ts'
import { environmentPlacementSchema, type ClusterEnvironment } from '../../src/executor/kubernetes/settings.ts'
import { buildStep } from './steps-under-test.ts'

const LIMITS = join(import.meta.dirname, '../../../../deploy/kubernetes/jobs/limits.yaml')
const GIB = 1024 ** 3
/** What an environment is where it says nothing (docs/operations.md). */
const DEFAULTS = { maxJobs: 10, cpuNumber: 1, ramGB: 1, diskGB: 1 }

const quotaSchema = z.object({
  kind: z.literal('ResourceQuota'),
  spec: z.object({ hard: z.record(z.string(), z.string()) }),
})
const SCALES: Record<string, number> = { '': 1, m: 1 / 1000, Mi: 1024 ** 2, Gi: GIB }

/** A quantity of Kubernetes as a number. */
function scalarOf(quantity: string | undefined): number {
  const [, amount, unit = ''] = /^([0-9.]+)([A-Za-z]*)$/.exec(quantity ?? '0') ?? []
  const scale = SCALES[unit]
  if (amount === undefined || scale === undefined) throw new Error(`not a quantity: ${quantity ?? ''}`)
  return Number(amount) * scale
}

const environment: ClusterEnvironment = {
  ...environmentPlacementSchema.parse({}),
  id: 'default',
  namespace: 'jobs',
  cpuNumber: DEFAULTS.cpuNumber,
  gpuNumber: 0,
  workspaceBytes: DEFAULTS.diskGB * GIB,
}

/** What a quota counts of a pod: its containers together, or its greediest init container, whichever is more. */
function countPod(step: StepName, kind: 'requests' | 'limits', resource: string): number {
  const limits = { memoryBytes: DEFAULTS.ramGB * GIB }
  const spec: StepSpec = {
    ...buildStep('true', limits),
    kind: step === 'algorithm' ? 'algorithm' : 'program',
    image: 'x',
  }
  const { containers, initContainers = [] } = buildPodSpec({
    ...{ jobId: 'a'.repeat(32), step, attempt: 1, spec, environment, filesSecret: null, preferredNode: null },
    settings: {
      images: { configure: 'c', publish: 'p' },
      resultsClaim: undefined,
      seal: { canary: '10.0.0.1:8061', probes: [] },
    },
  })
  const wants = (container: (typeof containers)[number]) => scalarOf(container.resources?.[kind]?.[resource])
  const together = containers.map(wants).reduce((sum, each) => sum + each, 0)
  return Math.max(together, ...initContainers.map(wants))
}

describe('the quota that is shipped', () => {
  it('behaviour: has room for as many jobs as an environment takes, each being staged while its algorithm waits', async () => {
    const objects = loadAllYaml(await readFile(LIMITS, 'utf8')) as unknown[]
    const [quota] = objects.flatMap((object) => quotaSchema.safeParse(object).data ?? [])
    const { hard = {} } = quota?.spec ?? {}
    const short: string[] = []
    for (const [name, room] of Object.entries(hard)) {
      const [, kind, resource = ''] = /^(requests|limits)\.(cpu|memory|ephemeral-storage)$/.exec(name) ?? []
      const each =
        kind === 'requests' || kind === 'limits'
          ? countPod('configure', kind, resource) + countPod('algorithm', kind, resource)
          : name === 'requests.storage'
            ? environment.workspaceBytes
            : { persistentvolumeclaims: 1, pods: 2, 'count/jobs.batch': 4 }[name]
      if (each === undefined || each * DEFAULTS.maxJobs > scalarOf(room))
        short.push(`${name}: ${room} for ${each} a job`)
    }
    expect(Object.keys(hard).length).toBeGreaterThan(4)
    expect(short).toEqual([])
  })
})
