import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { chooseFilename, type WrittenFile } from '@c2d/storage'
import { ProvisionError } from '../provision-error.ts'
import type { Hasher } from './hasher.ts'
import type { FileOrigin } from './origin.ts'
import { createPartialFile } from './partial-file.ts'
import type { SpaceBudget } from './space-budget.ts'
import { transferFile, type TransferDeps, type TransferSettings } from './transfer.ts'

/** One file to stage. */
export interface FilePlan {
  origin: FileOrigin
  /** Where it goes. */
  path: string
  /** Throws to refuse the bytes. */
  accept: (file: WrittenFile) => void
}

export interface StageFileDeps extends TransferDeps {
  hasher: Hasher
  space: SpaceBudget
}

/** A file that is in place. */
export interface StagedBytes extends WrittenFile {
  name: string | null
  contentType: string | null
}

/**
 * Stages one file: it is there whole and verified, or not at all.
 * @param partialFolder where it lies until then; on the file system of its place
 * @throws Error with a sentence that names no address
 */
export async function stageFile(
  plan: FilePlan,
  options: { partialFolder: string; settings: TransferSettings },
  deps: StageFileDeps,
): Promise<StagedBytes> {
  const file = createPartialFile(join(options.partialFolder, randomUUID()), deps)
  try {
    const { sizeBytes, headers } = await transferFile(plan.origin, file, options.settings, deps)
    const written = await file.finish(sizeBytes)
    plan.accept(written)
    await file.commit(plan.path)
    deps.progress.fileDone()
    const disposition = headers['content-disposition'] ?? null
    return {
      ...written,
      name: disposition === null ? plan.origin.ownName : chooseFilename(disposition, plan.origin.ownName ?? ''),
      contentType: headers['content-type']?.slice(0, 255) ?? null,
    }
  } catch (thrown) {
    throw asFull(thrown)
  } finally {
    await file.discard()
  }
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** A volume may have a limit that it does not show beforehand. */
function asFull(thrown: unknown): unknown {
  const code = (thrown as { code?: unknown } | null)?.code
  if (typeof code !== 'string' || !FULL.has(code)) return thrown
  return new ProvisionError('InputTooLarge', 'There is not enough room for a file: the volume is full.', {
    cause: thrown,
  })
}
