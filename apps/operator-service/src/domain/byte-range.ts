import { AppError } from '@c2d/runtime'
import type { ByteRange } from '@c2d/storage'

/**
 * Reads a Range header (RFC 9110 §14).
 * @returns the inclusive range, or null where the whole file is the answer: no header, several ranges, or nonsense
 * @throws AppError `RangeNotSatisfiable` when the range lies outside the file
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): ByteRange | null {
  const [, first, last] = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return null
  if (first === '') {
    if (Number(last) === 0 || sizeBytes === 0) throw outside()
    return { start: Math.max(0, sizeBytes - Number(last)), end: sizeBytes - 1 }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return null
  if (start >= sizeBytes) throw outside()
  return { start, end: last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) }
}

function outside(): AppError {
  return new AppError('RangeNotSatisfiable')
}
