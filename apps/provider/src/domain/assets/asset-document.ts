import { sha256Hex } from '@c2d/chain'
import { CACHE_MEMBERS, ddoSchema, type Ddo } from '@c2d/contracts'

/**
 * The published document inside what a metadata cache answers: its own additions removed, the rest re-serialised
 * compactly in the order received. Whether that really is what was published is for the hash to say.
 * @returns null when the text is no JSON object
 */
export function stripCacheMembers(text: string): string | null {
  const document = parseObject(text)
  if (!document) return null
  const added = new Set<string>(CACHE_MEMBERS)
  return JSON.stringify(Object.fromEntries(Object.entries(document).filter(([key]) => !added.has(key))))
}

/** Reads a document's text; null when it is no DDO. */
export function parseDdo(text: string): Ddo | null {
  const parsed = ddoSchema.safeParse(parseObject(text))
  return parsed.success ? parsed.data : null
}

/** Whether these are the very bytes whose hash stands on chain (DESIGN §4.4). */
export function isPublishedDocument(document: string | Uint8Array, hashOnChain: string): boolean {
  return `0x${sha256Hex(document)}` === hashOnChain.toLowerCase()
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null // not JSON: no document
  }
}
