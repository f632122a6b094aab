import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SealMark } from '@c2d/contracts'

const FIRST_PAUSE_MS = 10
const MAX_PAUSE_MS = 100

/**
 * Waits for the mark of this job; the file appears whole. It is looked for, not watched: a file that another container writes wakes
 * nobody in a sandbox with a kernel of its own.
 * @param waitMs 0 is for ever
 * @returns null when it did not come
 */
export async function waitForMark(file: string, id: string, waitMs: number): Promise<SealMark | null> {
  const startedAtMs = Date.now()
  for (;;) {
    const mark = parseMark(await readFile(file, 'utf8').catch(missing))
    if (mark?.id === id) return mark
    const waitedMs = Date.now() - startedAtMs
    if (waitMs > 0 && waitedMs >= waitMs) return null
    // Short at first, then one hundredth of what it took so far: staging of hours need not be answered within milliseconds.
    await sleep(Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS + waitedMs / 100))
  }
}

function missing(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') throw error
  return ''
}

/** Reads a mark by hand, as this program carries no library; null for anything else, such as the mark of another version. */
export function parseMark(text: string): SealMark | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (!isRecord(value) || typeof value['id'] !== 'string' || !isRecord(value['control'])) return null
  const { address, reached } = value['control']
  if (typeof address !== 'string' || typeof reached !== 'boolean') return null
  return { id: value['id'], control: { address, reached } }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
