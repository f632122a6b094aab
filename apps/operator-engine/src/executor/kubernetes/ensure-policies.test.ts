import { beforeEach, describe, expect, it } from '@jest/globals'
import { silentLogger } from '@c2d/runtime'
import { buildPolicies } from './build-policies.ts'
import type { ClusterClient } from './cluster-client.ts'
import { ClusterError } from './cluster-error.ts'
import { ensurePolicies } from './ensure-policies.ts'

type Json = Record<string, unknown>

const NAMESPACE = 'jobs'
const FOLDER = `/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies`
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7396, as the API server carries out a merge patch. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch)) merged.set(name, merge(merged.get(name), value))
  return Object.fromEntries([...merged].filter(([, value]) => value !== null))
}

describe('ensurePolicies', () => {
  let there: Map<string, unknown>
  let refusal: ClusterError | null
  const notAsked = () => Promise.reject(new Error('not asked for here'))
  const client: ClusterClient = {
    create(path, object) {
      if (refusal) return Promise.reject(refusal)
      const name = `${path}/${(object as { metadata: { name: string } }).metadata.name}`
      if (there.has(name)) return Promise.reject(new ClusterError(409, 'AlreadyExists', 'it is there'))
      there.set(name, object)
      return Promise.resolve(object)
    },
    get: (path) => Promise.resolve(there.get(path)),
    patch(path, patch) {
      there.set(path, merge(there.get(path), patch))
      return Promise.resolve(there.get(path))
    },
    delete: notAsked,
    open: notAsked,
    close: () => undefined,
  }
  const specOf = (name: string) => (there.get(`${FOLDER}/${name}`) as { spec: unknown }).spec
  const [sealed, open] = buildPolicies(NAMESPACE)

  beforeEach(() => {
    there = new Map()
    refusal = null
  })

  it('behaviour: makes both policies', async () => {
    await ensurePolicies(NAMESPACE, { client, log: silentLogger })
    expect(specOf('c2d-sealed')).toEqual(sealed?.spec)
    expect(specOf('c2d-public-egress')).toEqual(open?.spec)
  })

  it('behaviour: what somebody opened meanwhile is closed, and who was left out is back in', async () => {
    const loosened = {
      podSelector: { matchLabels: { workflow: 'nobody' } },
      policyTypes: ['Ingress'],
      ingress: [{}],
      egress: [{}],
    }
    there.set(`${FOLDER}/c2d-sealed`, { spec: loosened })
    there.set(`${FOLDER}/c2d-public-egress`, { spec: { ...loosened, policyTypes: ['Egress', 'Ingress'] } })
    await ensurePolicies(NAMESPACE, { client, log: silentLogger })
    expect(specOf('c2d-sealed')).toEqual(sealed?.spec)
    expect(specOf('c2d-public-egress')).toEqual(open?.spec)
  })

  it('behaviour: where it may not, the policies are somebody else’s to keep', async () => {
    refusal = new ClusterError(403, 'Forbidden', 'networkpolicies is forbidden')
    await ensurePolicies(NAMESPACE, { client, log: silentLogger })
    expect(there.size).toBe(0)
  })
})
