import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { ddoSchema, type Ddo } from '@c2d/contracts'
import type { GuardedFetch } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import type { VolumeLayout } from '../layout.ts'
import { readJson } from '../read-json.ts'
import type { RetryPolicy } from '../staging/backoff.ts'
import { LastingFailure, PassingFailure } from '../staging/origin.ts'
import { retrying } from '../staging/patience.ts'
import { isPassingStatus } from '../url-origin.ts'

const MAX_DDO_BYTES = 16 * 1024 ** 2

export interface LoadDdoDeps {
  layout: VolumeLayout
  metadataUri: string | null
  fetch: GuardedFetch
  retry: RetryPolicy
  say: (line: string) => void
}

/**
 * Fetches the DDO of an asset and keeps it below `ddos` (pods-behaviour §1.5, step 1). One that cannot be had is not
 * fatal by itself: the workflow may name the provider.
 * @returns null when there is none
 */
export async function loadDdo(did: string, deps: LoadDdoDeps): Promise<Ddo | null> {
  const { metadataUri, retry } = deps
  if (!metadataUri || !did) return null
  const url = `${metadataUri.replace(/\/+$/, '')}/api/aquarius/assets/ddo/${encodeURIComponent(did)}`
  try {
    const document = await retrying(retry, () => askForDdo(url, deps.fetch))
    const partial = join(deps.layout.ddos, `.${randomUUID()}`)
    await writeFile(partial, JSON.stringify(document))
    await rename(partial, deps.layout.ddoFile(did))
    return ddoSchema.parse(document)
  } catch (thrown) {
    deps.say(`Failed to fetch the DDO of ${did}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    return null
  }
}

async function askForDdo(url: string, fetch: GuardedFetch): Promise<unknown> {
  try {
    const response = await fetch(url)
    if (response.status === 200) return await readJson(response, MAX_DDO_BYTES)
    await response.body?.cancel()
    const message = `status ${response.status}`
    throw isPassingStatus(response.status) ? new PassingFailure(message) : new LastingFailure(message)
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.cause !== undefined) {
      throw new PassingFailure('the metadata cache does not answer', { cause: thrown })
    }
    throw thrown
  }
}
