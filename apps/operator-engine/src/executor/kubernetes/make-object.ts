import type { ClusterClient } from './cluster-client.ts'
import { isRefusedWith } from './cluster-error.ts'
import { buildPath, type Kind } from './paths.ts'

/**
 * Creates an object, or adopts the one of its name.
 * @returns what is there now, and whether this call made it
 */
export async function makeObject<T>(
  kind: Kind,
  object: { metadata?: { name?: string; namespace?: string } },
  parse: (value: unknown) => T,
  client: ClusterClient,
): Promise<{ made: T; isNew: boolean }> {
  const { name = '', namespace = '' } = object.metadata ?? {}
  try {
    return { made: parse(await client.create(buildPath(namespace, kind), object)), isNew: true }
  } catch (thrown) {
    if (!isRefusedWith(thrown, 409)) throw thrown
    return { made: parse(await client.get(buildPath(namespace, kind, name))), isNew: false }
  }
}

/**
 * Creates an object that nobody reads back, or leaves the one of its name as it is.
 * @returns whether this call made it
 */
export async function makeOnce(
  kind: Kind,
  object: { metadata?: { name?: string; namespace?: string } },
  client: ClusterClient,
): Promise<boolean> {
  try {
    await client.create(buildPath(object.metadata?.namespace ?? '', kind), object)
    return true
  } catch (thrown) {
    if (!isRefusedWith(thrown, 409)) throw thrown
    return false
  }
}
