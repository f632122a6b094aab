import { sha256Hex } from '@c2d/chain'
import { containerChecksumText, type ComputeAlgorithm, type Container } from '@c2d/contracts'
import type { PublishedAlgorithm } from './algorithm-policy.ts'
import type { CheckFiles } from './check-files.ts'
import { whyNotConsumable } from './consumable.ts'
import { refuse, type Refused } from './refusal.ts'
import { findService, type AssetService, type ResolveAsset } from './resolve-asset.ts'
import { decryptServiceFiles, parseFileObject } from './service-files.ts'

/** A published algorithm whose bytes we have seen, or code sent along. */
export type PreparedAlgorithm =
  | {
      readonly kind: 'published'
      readonly target: AssetService
      /** SHA-256 of each of its files. */
      readonly checkedFiles: string[]
      readonly policyView: PublishedAlgorithm
      readonly container: unknown
    }
  | { readonly kind: 'raw'; readonly meta: NonNullable<ComputeAlgorithm['meta']>; readonly container: unknown }

/**
 * Resolves the algorithm of a compute request and hashes its files: rows 2a–2f of provider-http-api §8.3. A request that
 * names a published algorithm and sends code too means the published one.
 */
export async function prepareAlgorithm(
  request: ComputeAlgorithm,
  consumerAddress: string,
  deps: { resolveAsset: ResolveAsset; checkFiles: CheckFiles },
): Promise<PreparedAlgorithm | Refused> {
  if (!request.documentId) {
    const { meta } = request
    return meta ? { kind: 'raw', meta, container: meta.container } : refuse('algorithm', 'missing_meta_documentId')
  }
  const asset = await deps.resolveAsset(request.documentId)
  if (!asset) return refuse('algorithm', 'did_not_found')
  if (asset.ddo.metadata.type !== 'algorithm') return refuse('algorithm', 'not_algo')
  if (!request.serviceId) return refuse('algorithm.serviceId', 'missing')
  const target = findService(asset, request.serviceId)
  const checkedFiles = target && (await checkServiceFiles(target, deps.checkFiles))
  if (!target || !checkedFiles) return refuse('algorithm', 'file_unavailable')
  const denied = whyNotConsumable(asset, consumerAddress)
  if (denied) return refuse('algorithm.credentials', denied)

  const container = asset.ddo.metadata.algorithm?.container ?? {}
  const { entrypoint = '', checksum = '' } = container
  const policyView = {
    did: asset.ddo.id,
    owner: (await asset.chain.client.nftOwner(asset.ddo.nftAddress)) ?? 'nobody',
    filesChecksum: checkedFiles.join(''),
    containerChecksum: sha256Hex(containerChecksumText({ entrypoint, checksum })),
  }
  return { kind: 'published', target, checkedFiles, policyView, container }
}

/** The container a job will run in, complete and pinned, or row 4d of §8.3. */
export function checkContainer(container: unknown): Container | Refused {
  const { entrypoint, image, tag, checksum } = (container ?? {}) as Record<string, unknown>
  if (!isText(entrypoint) || !isText(image) || !isText(checksum)) {
    return refuse('algorithm.container', 'missing_entrypoint_image_checksum')
  }
  if (!checksum.startsWith('sha256:')) return refuse('algorithm.container', 'checksum_prefix')
  return { entrypoint, image, checksum, ...(isText(tag) ? { tag } : {}) }
}

async function checkServiceFiles(target: AssetService, checkFiles: CheckFiles): Promise<string[] | null> {
  const parsed = decryptServiceFiles(target)?.map(parseFileObject)
  if (!parsed) return null
  const files = parsed.flatMap((entry) => ('file' in entry ? [entry.file] : []))
  return files.length === parsed.length ? checkFiles(files) : null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
