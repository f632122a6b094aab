import { DOWNLOAD_TOKEN_HEADER, PROVIDER_ENDPOINTS, type FileInfo, type FileObject } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { probeSource } from '@c2d/storage'
import { Router, type Request } from 'express'
import type { TokenDownload } from '../domain/access/authorise-job-download.ts'
import type { FileAccess } from '../domain/access/file-access.ts'
import { mapLimited } from '../domain/sharing/map-limited.ts'
import { networkText } from '../domain/chains/network-name.ts'
import { findService, type ResolveAsset } from '../domain/assets/resolve-asset.ts'
import { decryptServiceFiles, parseFileObject } from '../domain/assets/service-files.ts'
import {
  assertFields,
  did,
  oneOf,
  requiredIf,
  requiredWithout,
  textOf,
  valueOf,
  type FieldRule,
  type Input,
} from './field-rules.ts'
import { handle } from './handle.ts'

const FIELDS: FieldRule[] = [
  { field: 'type', rules: [requiredWithout('did'), oneOf('ipfs', 'url', 'arweave', 'graphql', 'smartcontract', 's3')] },
  { field: 'did', rules: [requiredWithout('type'), did] },
  { field: 'hash', rules: [requiredIf('type', 'ipfs')] },
  { field: 'url', rules: [requiredIf('type', 'url')] },
  { field: 'transactionId', rules: [requiredIf('type', 'arweave')] },
  { field: 'serviceId', rules: [requiredWithout('type')] },
]

/** How many files of one service are asked for at once: a service may have thousands. */
const PROBES_AT_ONCE = 32

/**
 * `POST /fileinfo`: whether files can be had, and what they are (provider-http-api §1.7). Parameters of the caller reach
 * only addresses that the caller named itself: strangers send nothing to a hidden origin. A configure step with its job
 * download token wants the number of files and downloads them all anyway: then no origin is asked.
 */
export function fileinfoRoutes(
  options: { maxChecksumBytes: number; requestTimeoutMs: number },
  deps: {
    resolveAsset: ResolveAsset
    files: FileAccess
    /** Throws where a job download token does not hold. */
    assertJobReads: (request: TokenDownload) => Promise<unknown>
  },
): Router {
  const router = Router()
  router.post(
    PROVIDER_ENDPOINTS.fileinfo[1],
    handle(async (request, response) => {
      const input = bodyOf(request)
      assertFields(input, FIELDS)
      const documentId = textOf(input, 'did')
      const token = request.get(DOWNLOAD_TOKEN_HEADER)
      if (token !== undefined) {
        if (!documentId) throw new AppError('ValidationFailed', { fields: { did: ['The did field is required.'] } })
        const granted = await filesOfAsset(documentId, textOf(input, 'serviceId') ?? '', token)
        response.json(granted.files.map((file, index) => ({ index, type: checkedFile(file).type, valid: true })))
        return
      }
      const { files, keepsHashes } = documentId
        ? await filesOfAsset(documentId, textOf(input, 'serviceId') ?? '')
        : { files: [withoutOwnMembers(input)], keepsHashes: false }
      const userdata = documentId ? undefined : valueOf(input, 'userdata')
      const checksum = Boolean(valueOf(input, 'checksum')) && !keepsHashes
      const answers = await mapLimited(files.map(checkedFile), PROBES_AT_ONCE, (file, index) =>
        probe(file, index, checksum, userdata),
      )
      response.json(answers)
    }),
  )
  return router

  /** @returns the files, and whether their owner keeps their hashes (docs/proof.md): then nobody is told one here either */
  async function filesOfAsset(
    documentId: string,
    serviceId: string,
    token?: string,
  ): Promise<{ files: unknown[]; keepsHashes: boolean }> {
    const asset = await deps.resolveAsset(documentId)
    if (!asset) throw new AppError('AssetNotFound', { detail: 'Cannot resolve DID' })
    const { network, chainId } = asset.chain
    if (token !== undefined) await deps.assertJobReads({ token, documentId, serviceId, chainId })
    const target = findService(asset, serviceId)
    if (!target) throw new AppError('ServiceNotFound', { detail: networkText(network, 'Invalid serviceId.') })
    const files = decryptServiceFiles(target)
    if (files) return { files, keepsHashes: target.service.compute?.saltFileHashes === true }
    throw new AppError('FilesUnavailable', { detail: networkText(network, 'Unable to get dataset files') })
  }

  function probe(file: FileObject, index: number, checksum: boolean, userdata: unknown): Promise<FileInfo> {
    return probeSource(file, index, {
      ...deps.files,
      checksum,
      maxChecksumBytes: options.maxChecksumBytes,
      userdata,
      signal: AbortSignal.timeout(options.requestTimeoutMs),
    })
  }
}

/** @throws AppError `FilesUnavailable` with the sentence of provider-http-api §7.2, without the network's name */
function checkedFile(value: unknown): FileObject {
  const parsed = parseFileObject(value)
  if ('problem' in parsed) throw new AppError('FilesUnavailable', { detail: parsed.problem })
  return parsed.file
}

/** The body alone: query parameters are not read here (provider-http-api §1.2). */
function bodyOf(request: Request): Input {
  const body: unknown = request.body
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Input) : {}
}

function withoutOwnMembers(input: Input): Input {
  const { checksum: _checksum, userdata: _userdata, ...file } = input
  return file
}
