import { extname } from 'node:path/posix'
import type { StepPublish } from '@c2d/contracts'
import { lookup } from 'mime-types'

/** A file that limits are applied to. */
export interface SizedFile {
  path: string
  sizeBytes: number
}

/**
 * Holds outputs to what their environment allows. The total fills in the order of the files; one that does not fit is
 * refused, and smaller ones after it may still fit. Pure.
 * @returns what may be stored, and what not and why
 */
export function applyLimits<F extends SizedFile>(
  files: readonly F[],
  limits: Pick<StepPublish, 'maxFileBytes' | 'maxTotalBytes' | 'allowedTypes'>,
): { accepted: F[]; refused: { file: F; why: string }[] } {
  const accepted: F[] = []
  const refused: { file: F; why: string }[] = []
  let leftBytes = limits.maxTotalBytes
  for (const file of files) {
    const why = whyRefused(file, leftBytes, limits)
    if (why !== null) {
      refused.push({ file, why })
      continue
    }
    accepted.push(file)
    leftBytes -= file.sizeBytes
  }
  return { accepted, refused }
}

function whyRefused(
  { path, sizeBytes }: SizedFile,
  leftBytes: number,
  limits: Pick<StepPublish, 'maxFileBytes' | 'maxTotalBytes' | 'allowedTypes'>,
): string | null {
  if (!isAllowedType(path, limits.allowedTypes)) return 'the environment does not allow files of its type'
  if (sizeBytes > limits.maxFileBytes) {
    return `it has ${sizeBytes} bytes, and the environment allows ${limits.maxFileBytes} for a file`
  }
  if (sizeBytes > leftBytes) {
    return `it has ${sizeBytes} bytes, and of the ${limits.maxTotalBytes} that the environment allows in all ${leftBytes} are left`
  }
  return null
}

/** By the name alone: what is inside a file is its author's word either way. */
function isAllowedType(path: string, allowed: readonly string[] | undefined): boolean {
  if (!allowed) return true
  const extension = extname(path).toLowerCase()
  const type = lookup(path) || 'application/octet-stream'
  return allowed.some((entry) => {
    const wanted = entry.toLowerCase()
    if (wanted.startsWith('.')) return wanted === extension
    return wanted.endsWith('/*') ? type.startsWith(wanted.slice(0, -1)) : wanted === type
  })
}
