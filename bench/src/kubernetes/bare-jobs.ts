import { randomBytes } from 'node:crypto'
import type { ClusterWorld } from './cluster-world.ts'

/** Three bare Jobs one after the other on one volume, each waited for until `Complete`, in seconds: no gate, no work. */
export async function runBareJobs(world: ClusterWorld): Promise<number> {
  const { image, kubectl, namespace } = world
  const name = `bare-${randomBytes(4).toString('hex')}`
  const startedAt = performance.now()
  await kubectl(['create', '-n', namespace, '-f', '-'], {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '64Mi' } } },
  })
  for (const step of [1, 2, 3]) {
    await kubectl(['create', '-n', namespace, '-f', '-'], buildBareJob(`${name}-${step}`, name, image))
    await kubectl(['wait', '-n', namespace, '--for=condition=complete', '--timeout=300s', `job/${name}-${step}`])
  }
  const seconds = (performance.now() - startedAt) / 1000
  await kubectl(['delete', '-n', namespace, `pvc/${name}`, ...[1, 2, 3].map((step) => `job/${name}-${step}`)])
  return seconds
}

/** So many bare Jobs at once, until all are complete: what the cluster itself can do, in seconds. */
export async function runBareBurst(world: ClusterWorld, count: number): Promise<number> {
  const { image, kubectl, namespace } = world
  const names = Array.from({ length: count }, () => `bare-${randomBytes(4).toString('hex')}`)
  const startedAt = performance.now()
  await kubectl(['create', '-n', namespace, '-f', '-'], {
    apiVersion: 'v1',
    kind: 'List',
    items: names.map((name) => buildBareJob(name, null, image)),
  })
  await kubectl([
    'wait',
    '-n',
    namespace,
    '--for=condition=complete',
    '--timeout=1200s',
    ...names.map((name) => `job/${name}`),
  ])
  const seconds = (performance.now() - startedAt) / 1000
  await kubectl(['delete', '-n', namespace, '--wait=false', ...names.map((name) => `job/${name}`)])
  return seconds
}

function buildBareJob(name: string, claim: string | null, image: string): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'main',
              image,
              command: ['true'],
              resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '100m', memory: '64Mi' } },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              volumeMounts: claim === null ? [] : [{ name: 'data', mountPath: '/data' }],
            },
          ],
          volumes: claim === null ? [] : [{ name: 'data', persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  }
}
