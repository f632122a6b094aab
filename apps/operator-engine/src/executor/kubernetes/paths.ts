/** Kinds of objects we read and make, by the plural that stands in their path. */
export type Kind = 'configmaps' | 'events' | 'jobs' | 'networkpolicies' | 'persistentvolumeclaims' | 'pods' | 'secrets'

const GROUPS: Partial<Record<Kind, string>> = {
  jobs: '/apis/batch/v1',
  networkpolicies: '/apis/networking.k8s.io/v1',
}

/** Path of a kind in a namespace, or of one object of it. */
export function buildPath(namespace: string, kind: Kind, name?: string): string {
  const folder = `${GROUPS[kind] ?? '/api/v1'}/namespaces/${encodeURIComponent(namespace)}/${kind}`
  return name === undefined ? folder : `${folder}/${encodeURIComponent(name)}`
}
