import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContractAddresses } from '@c2d/dev-servers'
import { z } from 'zod'

const addressFileSchema = z.object({
  development: z.custom<ContractAddresses>((value) => z.looseObject({}).safeParse(value).success),
})
const originSchema = z.object({ secret: z.string() })

/** The address file, where the chain writes it and everybody reads it. */
export function addressFileIn(sharedFolder: string): string {
  return join(sharedFolder, 'address.json')
}

/** Reads what the chain wrote. Throws while it has not. */
export async function loadAddresses(sharedFolder: string): Promise<ContractAddresses> {
  return addressFileSchema.parse(JSON.parse(await readFile(addressFileIn(sharedFolder), 'utf8'))).development
}

/** Takes the address file away: until it is back, the contracts are not there. */
export async function removeAddresses(sharedFolder: string): Promise<void> {
  await rm(addressFileIn(sharedFolder), { force: true })
}

/** The secret part of the file origin's addresses; undefined before it first started. */
export async function loadOriginSecret(sharedFolder: string): Promise<string | undefined> {
  try {
    return originSchema.parse(JSON.parse(await readFile(join(sharedFolder, 'origin.json'), 'utf8'))).secret
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Keeps that secret, so that what was published stays reachable after a restart. */
export async function keepOriginSecret(sharedFolder: string, secret: string): Promise<void> {
  await mkdir(sharedFolder, { recursive: true })
  const partial = join(sharedFolder, 'origin.json.partial')
  await writeFile(partial, JSON.stringify({ secret }), { mode: 0o600 })
  await rename(partial, join(sharedFolder, 'origin.json'))
}
