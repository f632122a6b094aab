import {
  anyFileObjectSchema,
  boundFilesSchema,
  describeFileProblem,
  isSameAddress,
  type FileObject,
} from '@c2d/contracts'
import { decryptOrNull } from './metadata-bytes.ts'
import type { AssetService } from './resolve-asset.ts'

/**
 * Decrypts the file list of a service. From 4.1.0 on it must name the asset and datatoken it stands in, so that it
 * cannot be copied elsewhere and bought cheaply (provider-http-api §7.1).
 * @returns the file objects, not yet checked one by one; null when there are none for us
 */
export function decryptServiceFiles({ asset, service }: AssetService): unknown[] | null {
  if (!/^0x(?:[0-9a-f]{2})+$/i.test(service.files)) return null
  const plain = decryptOrNull(asset.chain.privateKey, Buffer.from(service.files.slice(2), 'hex'))
  const content = plain === null ? null : parseJson(new TextDecoder().decode(plain))
  const isOldFormat = asset.ddo.version === undefined || asset.ddo.version === '4.0.0'
  if (isOldFormat) return Array.isArray(content) && content.length > 0 ? (content as unknown[]) : null
  const bound = boundFilesSchema.safeParse(content)
  if (!bound.success) return null
  const { datatokenAddress, nftAddress, files } = bound.data
  const isBoundHere =
    isSameAddress(datatokenAddress, service.datatokenAddress) && isSameAddress(nftAddress, asset.ddo.nftAddress)
  return isBoundHere ? files : null
}

/** A checked file object, or the reference's sentence of what is wrong with it (provider-http-api §7.2). */
export function parseFileObject(value: unknown): { file: FileObject } | { problem: string } {
  const parsed = anyFileObjectSchema.safeParse(value)
  if (parsed.success) return { file: parsed.data }
  return { problem: describeFileProblem(value) ?? 'malformed file object.' }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null // not JSON: no file list
  }
}
