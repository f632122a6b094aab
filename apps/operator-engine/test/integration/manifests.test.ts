import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import * as library from '@kubernetes/client-node'
import { z } from 'zod'

const MANIFESTS = join(import.meta.dirname, '../../../../deploy/kubernetes')
const README = join(import.meta.dirname, '../../src/executor/kubernetes/README.md')

/** What the library says of a class of the API: its members, and of which class or shape each is. */
const membersSchema = z.array(z.object({ baseName: z.string(), type: z.string() }))
const objectSchema = z.record(z.string(), z.unknown())
const ruleSchema = z.object({
  apiGroups: z.tuple([z.string()]),
  resources: z.tuple([z.string()]),
  verbs: z.array(z.string()),
})
const roleSchema = z.object({ kind: z.literal('Role'), rules: z.array(ruleSchema) })
const headSchema = z.object({ apiVersion: z.string(), kind: z.string() })

const CLASSES = new Map<string, unknown>(Object.entries(library))
const VALUE: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  IntOrString: (value) => typeof value === 'string' || typeof value === 'number',
}

/** What is wrong with a value of a manifest, as the API's own schema sees it; a path and a word each. */
function listFaults(value: unknown, type: string, path: string): string[] {
  const item = /^Array<(.*)>$/.exec(type)?.[1]
  if (item !== undefined) {
    if (!Array.isArray(value)) return [`${path} is no list`]
    return value.flatMap((each, index) => listFaults(each, item, `${path}[${index}]`))
  }
  const entry = /^\{ \[key: string\]: (.*?);? \}$/.exec(type)?.[1]
  if (entry !== undefined) {
    const members = objectSchema.safeParse(value)
    if (!members.success) return [`${path} is no map`]
    return Object.entries(members.data).flatMap(([name, each]) => listFaults(each, entry, `${path}.${name}`))
  }
  const isGood = VALUE[type]
  if (isGood) return isGood(value) ? [] : [`${path} is no ${type}`]
  const known = CLASSES.get(type)
  if (typeof known !== 'function' || !('getAttributeTypeMap' in known)) return [`${path} is of an unknown ${type}`]
  const members = membersSchema.parse((known.getAttributeTypeMap as () => unknown)())
  const object = objectSchema.safeParse(value)
  if (!object.success) return [`${path} is no ${type}`]
  return Object.entries(object.data).flatMap(([name, each]) => {
    const member = members.find(({ baseName }) => baseName === name)
    return member ? listFaults(each, member.type, `${path}.${name}`) : [`${path} has no ${name}`]
  })
}

function listFaultsOf(manifest: unknown): string[] {
  const { apiVersion, kind } = headSchema.parse(manifest)
  const version = /(\w+)(?:\.plain)?$/.exec(apiVersion)?.[1] ?? ''
  return listFaults(manifest, `${version.charAt(0).toUpperCase()}${version.slice(1)}${kind}`, kind)
}

async function loadManifests(folder: string): Promise<unknown[]> {
  const files = (await readdir(join(MANIFESTS, folder))).filter((name) => name !== 'kustomization.yaml')
  const texts = await Promise.all(files.map((name) => readFile(join(MANIFESTS, folder, name), 'utf8')))
  // The library leaves out what it does not know of the kinds it knows; so here it knows none.
  return texts.flatMap((text) => {
    const objects: unknown = library.loadAllYaml(text.replaceAll(/^apiVersion: (\S+)/gm, 'apiVersion: $1.plain'))
    return z.array(z.unknown()).parse(JSON.parse(JSON.stringify(objects)))
  })
}

describe('the manifests that are shipped', () => {
  it.each(['jobs', 'services'])(
    'behaviour: deploy/kubernetes/%s holds nothing that the API does not know',
    async (folder) => {
      const manifests = await loadManifests(folder)
      expect(manifests.length).toBeGreaterThan(3)
      expect(manifests.flatMap(listFaultsOf)).toEqual([])
    },
  )

  it('behaviour: the engine’s role is what its README explains, verb by verb, and nothing of the cluster as a whole', async () => {
    const manifests = await loadManifests('jobs')
    const roles = manifests.flatMap((manifest) => roleSchema.safeParse(manifest).data ?? [])
    const granted = roles.flatMap(({ rules }) =>
      rules.map(
        ({ apiGroups: [group], resources: [kind], verbs }) => `${group || 'core'} ${kind}: ${verbs.join(', ')}`,
      ),
    )
    const rows = (await readFile(README, 'utf8')).matchAll(
      /^\| (core|batch|[a-z]+\.k8s\.io) +\| ([a-z/]+) +\| ([a-z, ]+?) +\|/gm,
    )
    const explained = [...rows].map(([, group, kind, verbs]) => `${group} ${kind}: ${verbs}`)
    expect(granted).toEqual(explained)
    expect(granted.length).toBeGreaterThan(5)
    expect(manifests.map((manifest) => headSchema.parse(manifest).kind)).not.toContain('ClusterRole')
  })

  it.each([
    [{ apiVersion: 'v1', kind: 'Service', spec: { selektor: {} } }, 'Service.spec has no selektor'],
    [{ apiVersion: 'v1', kind: 'Service', spec: { publishNotReadyAddresses: 'true' } }, 'is no boolean'],
    [{ apiVersion: 'apps/v1', kind: 'Deployment', spec: { template: { spec: { containers: {} } } } }, 'is no list'],
  ])('error: %j is found out', (manifest, fault) => {
    expect(listFaultsOf(manifest).join()).toContain(fault)
  })
})
