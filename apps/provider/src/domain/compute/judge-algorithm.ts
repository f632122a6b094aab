import { sha256Hex } from '@c2d/chain'
import { containerChecksumText, type ComputeAlgorithm, type Container } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { PublishedAlgorithm } from './algorithm-policy.ts'
import { checkContainer } from './check-container.ts'
import type { CheckFiles } from '../access/check-files.ts'
import { whyNotConsumable } from '../assets/consumable.ts'
import { fillParameters } from '../assets/consumer-parameters.ts'
import { deny, type Denied, type DocketSection } from './docket.ts'
import { findService, type Asset, type AssetService, type ResolveAsset } from '../assets/resolve-asset.ts'
import { decryptServiceFiles, parseFileObject } from '../assets/service-files.ts'
import type { FindHost, ServiceHost } from '../assets/service-host.ts'

/** A published algorithm before anybody fetched its bytes, or code sent along. */
export type AlgorithmCase =
  | {
      readonly kind: 'published'
      readonly target: AssetService
      readonly host: ServiceHost
      /** As policies see it; its files are not known yet. */
      readonly policyView: PublishedAlgorithm
      readonly container: unknown
      /** For its service, defaults filled in. */
      readonly userdata: unknown
      /** For the algorithm itself, defaults filled in. */
      readonly customData: unknown
    }
  | {
      readonly kind: 'raw'
      readonly meta: NonNullable<ComputeAlgorithm['meta']>
      readonly container: unknown
      readonly customData: unknown
    }

interface AlgorithmDeps {
  resolveAsset: ResolveAsset
  findHost: FindHost
}

/** What can be said of an algorithm without asking anybody: rows 2a and 2d of provider-http-api §8.3. */
export function judgeAlgorithmForm(request: ComputeAlgorithm, section: DocketSection): void {
  if (request.documentId) {
    section.judge('algorithm-service-named', request.serviceId ? request.serviceId : deny('missing'))
  } else {
    section.judge('algorithm-named', request.meta ?? deny('missing_meta_documentId'))
  }
}

/**
 * The algorithm of a request as its documents describe it: rows 2b–2f but for its files. A request that names a
 * published algorithm and sends code too means the published one.
 * @returns null where a rule said no
 */
export async function judgeAlgorithm(
  request: ComputeAlgorithm,
  consumerAddress: string,
  section: DocketSection,
  deps: AlgorithmDeps,
): Promise<AlgorithmCase | null> {
  if (!request.documentId) {
    const { meta } = request
    return meta ? { kind: 'raw', meta, container: meta.container, customData: request.algocustomdata } : null
  }
  const asset = section.judge(
    'algorithm-published',
    (await deps.resolveAsset(request.documentId)) ?? deny('did_not_found'),
  )
  if (!asset) return null
  section.judge('algorithm-type', asset.ddo.metadata.type === 'algorithm' ? asset : deny('not_algo'))
  const denied = whyNotConsumable(asset, consumerAddress)
  section.judge('algorithm-consumable', denied ? deny(denied, { sentence: denied }) : asset)
  const { consumerParameters, container } = asset.ddo.metadata.algorithm ?? {}
  const custom = fillParameters(consumerParameters, request.algocustomdata)
  section.judge('algorithm-custom-parameters', 'problem' in custom ? badParameter(custom.problem) : custom)
  if (!request.serviceId) return null

  const found = findService(asset, request.serviceId)
  const target = section.judge('algorithm-service-exists', found ?? deny('file_unavailable'))
  if (!target) return null
  const user = fillParameters(target.service.consumerParameters, request.algouserdata ?? request.userdata)
  section.judge('algorithm-parameters', 'problem' in user ? badParameter(user.problem) : user)
  if (!section.isClear() || 'problem' in custom || 'problem' in user) return null
  const [host, policyView] = await Promise.all([deps.findHost(target), buildPolicyView(asset)])
  return {
    kind: 'published',
    target,
    host,
    policyView,
    container: container ?? {},
    userdata: user.values,
    customData: custom.values,
  }
}

/** Row 2e: the SHA-256 of each file of a published algorithm; null where a file cannot be had. */
export async function judgeAlgorithmFiles(
  { target, host }: Extract<AlgorithmCase, { kind: 'published' }>,
  section: DocketSection,
  deps: { checkFiles: CheckFiles },
): Promise<string[] | null> {
  const sentence = host.kind === 'nobody' ? { sentence: host.sentence } : {}
  const hashes = await hashFiles(target, host, deps.checkFiles)
  return section.judge('algorithm-files', hashes ?? deny('file_unavailable', sentence))
}

/** Rows 4c and 4d: what code sent along must bring, and the container a job will run in, complete and pinned. */
export function judgeAlgorithmRun(algorithm: AlgorithmCase, section: DocketSection): Container | null {
  if (algorithm.kind === 'raw') {
    const code = algorithm.meta.url || algorithm.meta.rawcode
    section.judge('algorithm-code', code ? code : deny('meta_oneof_url_rawcode_remote'))
  }
  return section.judge('algorithm-container', checkContainer(algorithm.container))
}

/** A refusal that names the parameter (provider-http-api §6.4). */
export function badParameter(problem: string): Denied {
  return deny(problem, { sentence: problem })
}

async function buildPolicyView(asset: Asset): Promise<PublishedAlgorithm> {
  const { entrypoint = '', checksum = '' } = asset.ddo.metadata.algorithm?.container ?? {}
  return {
    did: asset.ddo.id,
    owner: (await asset.chain.client.nftOwner(asset.ddo.nftAddress)) ?? 'nobody',
    filesChecksum: null,
    containerChecksum: sha256Hex(containerChecksumText({ entrypoint, checksum })),
  }
}

async function hashFiles(target: AssetService, host: ServiceHost, checkFiles: CheckFiles): Promise<string[] | null> {
  if (host.kind === 'nobody') return null
  if (host.kind === 'peer') return hashAtPeer(target, host.peer)
  const parsed = decryptServiceFiles(target)?.map(parseFileObject)
  if (!parsed) return null
  const files = parsed.flatMap((entry) => ('file' in entry ? [entry.file] : []))
  return files.length === parsed.length ? checkFiles(files) : null
}

async function hashAtPeer(
  { asset, service }: AssetService,
  peer: Extract<ServiceHost, { kind: 'peer' }>['peer'],
): Promise<string[] | null> {
  try {
    return await peer.hashFiles({ documentId: asset.ddo.id, serviceId: service.id })
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'FilesUnavailable') return null
    throw thrown
  }
}
