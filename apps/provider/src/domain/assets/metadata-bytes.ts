import { decompressDocument, eciesDecrypt, METADATA_FLAGS } from '@c2d/chain'
import { AppError } from '@c2d/runtime'

/**
 * Opens the bytes of a metadata event.
 * @param key the chain's provider key, for encrypted documents
 * @returns the plain document, or which of the steps failed
 */
export async function openMetadataBytes(
  data: Uint8Array,
  flags: number,
  key: string,
): Promise<{ document: Uint8Array } | { failed: 'decrypt' | 'decompress' }> {
  const document = (flags & METADATA_FLAGS.encrypted) === 0 ? data : decryptOrNull(key, data)
  if (document === null) return { failed: 'decrypt' }
  if ((flags & METADATA_FLAGS.compressed) === 0) return { document }
  try {
    return { document: await decompressDocument(document) }
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'InvalidRequest') return { failed: 'decompress' }
    throw thrown
  }
}

/** ECIES with our key; null for anything that is not encrypted to it. */
export function decryptOrNull(key: string, data: Uint8Array): Uint8Array | null {
  try {
    return eciesDecrypt(key, data)
  } catch {
    return null // a tag that does not fit tells nothing more than this
  }
}
