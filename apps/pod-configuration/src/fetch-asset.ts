import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import {
  ddoSchema,
  didSuffix,
  type Ddo,
  type StageAlgorithm,
  type StageInput,
  type StepDownloads,
} from '@c2d/contracts'
import type { GuardedFetch } from '@c2d/http-kit'
import { openSource, writeFileWhole, type WrittenFile } from '@c2d/storage'
import type { VolumeLayout } from './layout.ts'
import type { ProviderClient, RemoteService } from './provider-client.ts'
import { ProvisionError } from './provision-error.ts'

/** One staged file, for the record that is kept with the job. */
export interface StagingEntry extends WrittenFile {
  did: string
  index: number
  path: string
}

export interface FetchAssetDeps {
  layout: VolumeLayout
  metadataUri: string | null
  downloads: StepDownloads
  provider: ProviderClient
  fetch: GuardedFetch
  say: (line: string) => void
}

interface AssetPlan {
  asset: StageInput | StageAlgorithm
  did: string
  folder: string
  /** Name of the file at a position: `0`, `1` … for datasets; `algorithm`, `1` … for algorithms. */
  nameOf: (index: number) => string
  /** Throws to refuse the bytes of a file. */
  accept: (index: number, file: WrittenFile) => void
  /** Called with the number of files, before any is fetched. */
  acceptCount: (count: number) => void
}

/**
 * Fetches every file of one dataset or algorithm into its folder (pods-behaviour §1.5): plain addresses when the
 * workflow has the key `url`, else through the asset's provider.
 * @throws Error with a sentence that names no address
 */
export async function fetchAsset(plan: AssetPlan, deps: FetchAssetDeps): Promise<StagingEntry[]> {
  await mkdir(plan.folder, { recursive: true })
  const ddo = plan.did ? await loadDdo(plan.did, deps) : null
  const opener = 'url' in plan.asset ? urlOpener(plan.asset.url, deps) : await remoteOpener(plan, ddo, deps)
  plan.acceptCount(opener.count)
  const entries: StagingEntry[] = []
  for (let index = 0; index < opener.count; index++) {
    const path = join(plan.folder, plan.nameOf(index))
    const file = await writeFileWhole(path, await opener.open(index), (staged) => plan.accept(index, staged))
    deps.say(
      `Downloaded file ${index} of ${plan.did || 'the algorithm'}: ${file.sizeBytes} bytes, SHA-256 ${file.sha256}`,
    )
    entries.push({ did: plan.did, index, path, ...file })
  }
  return entries
}

interface Opener {
  count: number
  open(index: number): Promise<Readable>
}

function urlOpener(url: string | string[] | null | undefined, deps: FetchAssetDeps): Opener {
  const urls = url == null ? [] : Array.isArray(url) ? url : [url]
  if (urls.length === 0) throw new Error('the workflow names no address')
  return {
    count: urls.length,
    async open(index) {
      const source = await openSource({ type: 'url', url: urls[index] as string }, { fetch: deps.fetch })
      if (source.status !== 200) {
        source.body.destroy()
        throw new Error(`the origin answered with status ${source.status}`)
      }
      return source.body
    },
  }
}

async function remoteOpener(plan: AssetPlan, ddo: Ddo | null, deps: FetchAssetDeps): Promise<Opener> {
  const remote = plan.asset.remote
  if (!remote) throw new Error('the workflow has neither an address nor an order for it')
  const providerUrl = ddo?.services.find((service) => service.id === remote.serviceId)?.serviceEndpoint
  const endpoint = providerUrl ?? remote.serviceEndpoint
  if (!endpoint) throw new Error(ddo ? 'its DDO has no such service' : 'its DDO could not be fetched')
  const grant = deps.downloads.tokens.find(
    (token) => token.did === plan.did && token.serviceId === remote.serviceId && token.txId === remote.txId,
  )
  if (!grant) throw new Error('there is no download token for it')
  const service: RemoteService = {
    providerUrl: endpoint,
    did: plan.did,
    serviceId: remote.serviceId,
    txId: remote.txId,
    consumerAddress: deps.downloads.consumerAddress,
    token: grant.token,
    userdata: remote.userdata ?? remote.userData,
  }
  const count = await deps.provider.countFiles(service)
  if (count === 0) throw new Error('the provider lists no file for it')
  return { count, open: (index) => deps.provider.download(service, index) }
}

/** A DDO that cannot be had is not fatal by itself (pods-behaviour §1.5, step 1): the workflow may name the provider. */
async function loadDdo(did: string, deps: FetchAssetDeps): Promise<Ddo | null> {
  if (!deps.metadataUri) return null
  try {
    const url = `${deps.metadataUri.replace(/\/+$/, '')}/api/aquarius/assets/ddo/${encodeURIComponent(did)}`
    const response = await deps.fetch(url)
    if (response.status !== 200) throw new Error(`status ${response.status}`)
    const document: unknown = await response.json()
    await writeFile(deps.layout.ddoFile(did), JSON.stringify(document))
    return ddoSchema.parse(document)
  } catch (thrown) {
    deps.say(`Failed to fetch the DDO of ${did}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    return null
  }
}

/** The plan of a dataset: files `0`, `1` … below `/data/inputs/<did>/`. */
export function planInput(input: StageInput, layout: VolumeLayout): AssetPlan {
  const did = input.id
  // It becomes a folder name: a workflow must not choose where its files land.
  if (!did || /[\\/\0]|^\.*$/.test(didSuffix(did))) {
    throw new ProvisionError('InputFetchFailed', 'An input of the workflow has no usable id.')
  }
  return {
    asset: input,
    did,
    folder: layout.inputFolder(did),
    nameOf: String,
    accept: () => {},
    acceptCount: () => {},
  }
}

/** The plan of an algorithm: first file `algorithm`; only the bytes that were checked at the start pass (DESIGN §4.4). */
export function planAlgorithm(algorithm: StageAlgorithm, layout: VolumeLayout): AssetPlan {
  const checked = algorithm.checkedFiles
  return {
    asset: algorithm,
    did: algorithm.id ?? '',
    folder: layout.transformations,
    nameOf: (index) => (index === 0 ? 'algorithm' : String(index)),
    acceptCount(count) {
      if (checked && checked.length !== count) {
        throw new ProvisionError('AlgorithmRejected', 'The algorithm has another number of files than were checked.')
      }
    },
    accept(index, file) {
      if (checked && checked[index] !== file.sha256) {
        throw new ProvisionError('AlgorithmRejected', `File ${index} of the algorithm is not the one that was checked.`)
      }
    },
  }
}
