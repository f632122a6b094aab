import { describe, expect, it } from '@jest/globals'
import type { StepName, StepSpec } from '../executor.ts'
import { buildJob } from './build-objects.ts'
import { buildPodSpec } from './build-pod.ts'
import { buildPolicies } from './build-policies.ts'
import type { PodRequest } from './pod-request.ts'
import { environmentPlacementSchema, type ClusterEnvironment } from './settings.ts'

const JOB_ID = 'a'.repeat(32)
const environment: ClusterEnvironment = {
  ...environmentPlacementSchema.parse({}),
  id: 'free',
  namespace: 'jobs',
  cpuNumber: 2,
  gpuNumber: 0,
  workspaceBytes: 1024 ** 3,
}
const limits = {
  maxDurationSeconds: 60,
  memoryBytes: 512 * 1024 ** 2,
  workspaceBytes: 1024 ** 3,
  graceSeconds: 5,
  logBytes: 1000,
}
const algorithm: StepSpec = {
  kind: 'algorithm',
  image: 'python@sha256:00',
  command: ['sh', '-c', 'python /data/transformations/algorithm'],
  env: { DIDS: '[]', VOLUME: '/data' },
  limits,
}
const program: StepSpec = { kind: 'program', command: ['node', '/app/pod.mjs'], env: {}, files: { a: 'b' }, limits }

function request(step: StepName, spec: StepSpec, given: Partial<PodRequest> = {}): PodRequest {
  return {
    jobId: JOB_ID,
    step,
    attempt: 1,
    spec,
    environment,
    settings: {
      images: { configure: 'c2d/configure', publish: 'c2d/publish' },
      resultsClaim: undefined,
      seal: { canary: '10.0.0.1:8061', probes: ['db=tcp://10.0.0.2:5432'] },
    },
    filesSecret: spec.kind === 'program' ? 'files' : null,
    preferredNode: null,
    ...given,
  }
}
const within = (given: Partial<ClusterEnvironment>) => ({ environment: { ...environment, ...given } })
const mountsOf = (step: StepName, spec: StepSpec) =>
  Object.fromEntries(
    (buildPodSpec(request(step, spec)).containers[0]?.volumeMounts ?? []).map(({ mountPath, readOnly }) => [
      mountPath,
      readOnly ? 'ro' : 'rw',
    ]),
  )

describe('buildPodSpec', () => {
  it.each(['configure', 'algorithm', 'publish'] as const)('behaviour: %s meets the restricted profile', (step) => {
    const pod = buildPodSpec(request(step, step === 'algorithm' ? algorithm : program))
    expect(pod).toMatchObject({
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
    for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        privileged: false,
        capabilities: { drop: ['ALL'] },
        readOnlyRootFilesystem: true,
      })
      expect(container.resources?.limits).toMatchObject({
        cpu: expect.anything(),
        memory: expect.anything(),
        'ephemeral-storage': expect.anything(),
      })
    }
    expect(pod.hostNetwork ?? pod.hostPID ?? pod.hostIPC ?? pod.serviceAccountName).toBeUndefined()
  })

  it('behaviour: an algorithm sees its inputs without being able to change them, and nothing that is ours', () => {
    expect(mountsOf('algorithm', algorithm)).toEqual({
      '/data/inputs': 'ro',
      '/data/transformations': 'ro',
      '/data/ddos': 'ro',
      '/data/outputs': 'rw',
      '/data/logs': 'rw',
      '/tmp': 'rw',
      '/run/c2d': 'ro',
    })
    expect(buildPodSpec(request('algorithm', algorithm)).volumes?.map(({ name }) => name)).toEqual([
      'data',
      'tmp',
      'closed',
    ])
  })

  it('behaviour: the file of last words, which nobody counts, lies where an algorithm cannot get', () => {
    const pod = buildPodSpec(request('algorithm', algorithm))
    const [gate] = pod.initContainers ?? []
    const [main] = pod.containers
    expect(main?.terminationMessagePath).toBe('/run/c2d/closed/last-words')
    expect(main?.volumeMounts).toContainEqual({ name: 'closed', mountPath: '/run/c2d', readOnly: true })
    // Made by another user than the algorithm's, who alone may enter.
    expect(gate?.command?.join(' ')).toContain('umask 077')
    expect(gate?.securityContext?.runAsUser).not.toBe(pod.securityContext?.runAsUser)
    expect(gate?.volumeMounts).toContainEqual({ name: 'closed', mountPath: '/run/c2d' })
    for (const step of ['configure', 'publish'] as const) {
      const [own] = buildPodSpec(request(step, program)).containers
      expect(own).not.toHaveProperty('terminationMessagePath')
    }
  })

  it('behaviour: what publishes does not see what was fetched', () => {
    expect(Object.keys(mountsOf('publish', program)).sort()).toEqual([
      '/data/adminlogs',
      '/data/logs',
      '/data/outputs',
      '/step-files',
      '/tmp',
    ])
  })

  it('behaviour: an algorithm’s requests are its limits', () => {
    const { resources } = buildPodSpec(request('algorithm', algorithm, within({ gpuNumber: 1 }))).containers[0]!
    expect(resources?.limits).toEqual({
      cpu: '2',
      memory: String(512 * 1024 ** 2),
      'ephemeral-storage': '512Mi',
      'nvidia.com/gpu': '1',
    })
    expect(resources?.requests).toEqual(resources?.limits)
  })

  it('behaviour: before an algorithm comes the gate, and before a program none', () => {
    const [gate, ...others] = buildPodSpec(request('algorithm', algorithm)).initContainers ?? []
    expect(others).toEqual([])
    expect(gate).toMatchObject({ name: 'seal-gate', image: 'c2d/configure' })
    expect(gate?.command?.join(' ')).toContain('--control 10.0.0.1:8061 --mark /data/seal/staged.json')
    expect(gate?.command?.join(' ')).toContain('--try db=tcp://10.0.0.2:5432')
    expect(gate?.command).not.toContain('--allow-node')
    expect(gate?.volumeMounts).toEqual([
      { name: 'data', mountPath: '/data/seal', subPath: 'seal', readOnly: true },
      { name: 'closed', mountPath: '/run/c2d' },
    ])
    expect(buildPodSpec(request('publish', program)).initContainers).toBeUndefined()
  })

  it('behaviour: another attempt begins with emptied outputs, before the gate', () => {
    const containers = buildPodSpec(request('algorithm', algorithm, { attempt: 2 })).initContainers ?? []
    expect(containers.map(({ name }) => name)).toEqual(['empty-folders', 'seal-gate'])
    expect(containers[0]?.command?.slice(-2)).toEqual(['/data/outputs', '/data/logs'])
  })

  it.each([
    [true, true, 'public'],
    [true, false, 'none'],
    [false, true, 'none'],
  ])('behaviour: datasets allow network %s, the environment %s: egress %s', (spec, allowed, egress) => {
    const asked = request(
      'algorithm',
      { ...algorithm, allowNetworkAccess: spec },
      within({ allowNetworkAccess: allowed }),
    )
    const job = buildJob(asked, [])
    expect(job.spec?.template.metadata?.labels).toMatchObject({ 'c2d/egress': egress })
    const pod = buildPodSpec(asked)
    expect(pod.initContainers?.[0]?.command?.join(' ')).toContain(`--egress ${egress}`)
    expect(pod.dnsPolicy).toBe(egress === 'public' ? 'None' : 'ClusterFirst')
  })

  it('behaviour: an environment says where and how its pods run', () => {
    const placed = within({
      runtimeClass: 'gvisor',
      nodeSelector: { pool: 'gpu' },
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
      priorityClass: 'low',
      imagePullSecrets: ['registry'],
      pullPolicy: 'Always',
    })
    const pod = buildPodSpec(request('algorithm', algorithm, placed))
    expect(pod).toMatchObject({
      runtimeClassName: 'gvisor',
      nodeSelector: { pool: 'gpu' },
      priorityClassName: 'low',
      imagePullSecrets: [{ name: 'registry' }],
    })
    expect(pod.tolerations).toContainEqual({ key: 'gpu', operator: 'Exists' })
    expect(pod.containers[0]?.imagePullPolicy).toBe('Always')
    expect(buildPodSpec(request('configure', program, placed)).runtimeClassName).toBeUndefined()
  })

  it('behaviour: an image that must run as root is the environment’s to allow, and gains nothing else', () => {
    const pod = buildPodSpec(request('algorithm', algorithm, within({ allowRootImages: true })))
    expect(pod.securityContext).not.toHaveProperty('runAsUser')
    expect(pod.containers[0]?.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: false,
    })
    expect(pod.initContainers?.[0]?.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1001 })
    // Its files are read whoever's they are; fetching needs no such right.
    const [publish] = buildPodSpec(request('publish', program, within({ allowRootImages: true }))).containers
    expect(publish?.securityContext).toMatchObject({ runAsUser: 0, capabilities: { drop: ['ALL'] } })
    const [configure] = buildPodSpec(request('configure', program, within({ allowRootImages: true }))).containers
    expect(configure?.securityContext).not.toHaveProperty('runAsUser')
  })

  it('behaviour: a command keeps its exit code, and says everything in one stream', () => {
    const [container] = buildPodSpec(request('algorithm', algorithm)).containers
    expect(container?.command).toEqual(['sh', '-c', 'exec "$@" 2>&1', 'sh', ...algorithm.command])
  })

  it('error: an algorithm without an image is refused', () => {
    const { image: _, ...rest } = algorithm
    expect(() => buildPodSpec(request('algorithm', rest))).toThrow('names no container image')
  })
})

describe('buildJob', () => {
  it('behaviour: one pod, once, and the labels that operators look for', () => {
    const job = buildJob(request('algorithm', algorithm, { attempt: 2 }), [])
    expect(job.metadata?.name).toBe(`${JOB_ID}-algorithm-job-2`)
    expect(job.metadata?.labels).toMatchObject({ workflow: JOB_ID, component: 'algorithm', 'c2d/attempt': '2' })
    expect(job.spec).toMatchObject({ backoffLimit: 0, podReplacementPolicy: 'Failed' })
    expect(job.spec?.activeDeadlineSeconds).toBeGreaterThan(job.spec?.template.spec?.activeDeadlineSeconds ?? Infinity)
  })
})

describe('buildPolicies', () => {
  it('behaviour: every stranger’s pod is denied everything, and some may reach public addresses', () => {
    const [sealed, open] = buildPolicies('jobs')
    expect(sealed?.spec).toEqual({
      podSelector: { matchExpressions: [{ key: 'c2d/egress', operator: 'Exists' }] },
      policyTypes: ['Ingress', 'Egress'],
    })
    expect(open?.spec?.podSelector).toEqual({
      matchExpressions: [{ key: 'c2d/egress', operator: 'In', values: ['public'] }],
    })
    const [v4] = open?.spec?.egress?.[0]?.to ?? []
    expect(v4?.ipBlock?.except).toEqual(expect.arrayContaining(['10.0.0.0/8', '169.254.0.0/16', '127.0.0.0/8']))
  })
})
