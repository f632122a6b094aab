import { AppError } from '@c2d/runtime'
import xz from 'xz-decompress'

const DEFAULT_MAX_BYTES = 8 * 1024 * 1024
/** The legacy format is read in one go, while nothing else runs; documents of its time were a few kilobytes. */
const LEGACY_MAX_BYTES = 2 * 1024 * 1024

const XZ_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
/** Properties, dictionary size (32 bits) and size of the content (64 bits, all ones where it is not known). */
const LEGACY_HEADER_BYTES = 13
const HIGHEST_PROPERTIES = 4 * 45 + 4 * 9 + 8
const UNKNOWN_SIZE = 0xffffffffffffffffn

/**
 * Decompresses a published document: `.xz`, or the legacy `.lzma` (flag bit 0, provider-http-api §7.4).
 * Legacy bytes carry no checksum: what was damaged may come out as other bytes, and only its hash tells.
 * @param options.maxBytes a document that would be larger is refused, however small it arrives; default 8 MiB, and
 *   never more than 2 MiB for `.lzma`
 * @throws AppError InvalidRequest for anything else, too large or not whole
 */
export async function decompressDocument(bytes: Uint8Array, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
  const { maxBytes = DEFAULT_MAX_BYTES } = options
  if (XZ_MAGIC.every((byte, index) => bytes[index] === byte)) return readXz(bytes, maxBytes)
  return readLegacy(bytes, Math.min(maxBytes, LEGACY_MAX_BYTES))
}

async function readXz(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(bytes)
      controller.close()
    },
  })
  const reader = new xz.XzReadableStream(source).getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw notReadable(cause)
    })
    if (done) return Uint8Array.from(Buffer.concat(chunks))
    size += value.length
    if (size > maxBytes) {
      await reader.cancel() // frees the decoder for the next: there is only one
      throw tooLarge(maxBytes)
    }
    chunks.push(value)
  }
}

async function readLegacy(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const [properties = 255] = bytes
  // More literal contexts than the format's own tools accept would only cost memory.
  const contexts = (properties % 9) + (Math.floor(properties / 9) % 5)
  if (bytes.length < LEGACY_HEADER_BYTES || properties > HIGHEST_PROPERTIES || contexts > 4) throw notReadable()
  const bounded = Uint8Array.from(bytes)
  const header = new DataView(bounded.buffer)
  const dictionaryBytes = header.getUint32(1, true)
  const declared = header.getBigUint64(5, true)
  if (declared === 0n) return new Uint8Array()
  if (declared !== UNKNOWN_SIZE && declared > BigInt(maxBytes)) throw tooLarge(maxBytes)
  // The library takes as much as the header asks for. A dictionary need not be larger than what comes out, and a
  // size of one byte too many stops what has no end.
  header.setUint32(1, Math.min(Math.max(dictionaryBytes, 4096), maxBytes + 4096), true)
  if (declared === UNKNOWN_SIZE) header.setBigUint64(5, BigInt(maxBytes) + 1n, true)
  const document = await decodeLegacy(bounded)
  if (document.length > maxBytes) throw tooLarge(maxBytes)
  if (declared !== UNKNOWN_SIZE && BigInt(document.length) !== declared) throw notReadable()
  return document
}

async function decodeLegacy(bytes: Uint8Array): Promise<Uint8Array> {
  const { decompress } = await loadLegacyDecoder()
  try {
    return decompress(bytes)
  } catch (cause) {
    throw notReadable(cause)
  }
}

type Decompress = (bytes: Uint8Array) => Uint8Array

/** The package's types are its sources, which our compiler settings refuse: so its one function is checked here. */
async function loadLegacyDecoder(): Promise<{ decompress: Decompress }> {
  const library: unknown = await import(import.meta.resolve('lzma1'))
  if (hasDecompress(library)) return library
  throw new TypeError('lzma1 has no function decompress')
}

function hasDecompress(library: unknown): library is { decompress: Decompress } {
  return typeof library === 'object' && library !== null && typeof Reflect.get(library, 'decompress') === 'function'
}

function notReadable(cause?: unknown): AppError {
  return new AppError('InvalidRequest', {
    detail: 'The document is not compressed as .xz or .lzma, or not whole.',
    cause,
  })
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('InvalidRequest', { detail: `The decompressed document is larger than ${maxBytes} bytes.` })
}
