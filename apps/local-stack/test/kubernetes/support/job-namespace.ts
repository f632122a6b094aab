import { randomBytes } from 'node:crypto'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { z } from 'zod'
import { kubectl } from './kubectl.ts'

const MANIFESTS = join(import.meta.dirname, '../../../../../deploy/kubernetes/jobs')
const ACCOUNT = 'c2d-operator-engine'
const kubeconfigSchema = z.looseObject({ users: z.array(z.looseObject({ name: z.string(), user: z.unknown() })) })

/** A namespace for jobs, as `deploy/kubernetes/jobs` makes it, and an engine's access to it. */
export interface JobNamespace {
  readonly name: string
  /** A kubeconfig, as text: the engine's own account, with the rights that the manifests give it. */
  readonly kubeconfig: string
  /** Names of the pods that are there. */
  listPods(): Promise<string[]>
  remove(): Promise<void>
}

/** Applies the manifests under a name of its own. @param purpose a word of that name */
export async function createJobNamespace(purpose: string): Promise<JobNamespace> {
  const name = `stack-${purpose}-${randomBytes(3).toString('hex')}`
  const remove = async (): Promise<void> => {
    await kubectl('delete', 'namespace', name, '--ignore-not-found', '--wait=false')
  }
  try {
    await applyManifests(name)
    await kubectl('create', 'serviceaccount', ACCOUNT, '--namespace', name)
    const token = await kubectl('create', 'token', ACCOUNT, '--namespace', name, '--duration=2h')
    const ours = await kubectl('config', 'view', '--raw', '--minify', '--flatten', '--output=json')
    const { users, ...rest } = kubeconfigSchema.parse(JSON.parse(ours))
    const account = users.map((user) => ({ name: user.name, user: { token: token.trim() } }))
    return {
      name,
      kubeconfig: JSON.stringify({ ...rest, users: account }),
      listPods: async () =>
        (await kubectl('get', 'pods', '--namespace', name, '--output=name')).split('\n').filter(Boolean),
      remove,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** The manifests with another namespace, in which the engine's account is, too. */
async function applyManifests(namespace: string): Promise<void> {
  const overlay = await realpath(await mkdtemp(join(tmpdir(), 'c2d-overlay-')))
  const binding = { group: 'rbac.authorization.k8s.io', kind: 'RoleBinding', name: ACCOUNT }
  const patch = JSON.stringify([{ op: 'replace', path: '/subjects/0/namespace', value: namespace }])
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace,
    resources: [relative(overlay, await realpath(MANIFESTS))],
    patches: [{ target: binding, patch }],
  }
  try {
    await writeFile(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization))
    await kubectl('apply', '--kustomize', overlay)
  } finally {
    await rm(overlay, { recursive: true })
  }
}
