import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StagedFile, StagingManifest } from '@c2d/contracts'
import type { VolumeLayout } from './layout.ts'

/** Writes `inputs/manifest.json`: there whole or not at all, and only when every file is. */
export async function writeManifest(layout: VolumeLayout, files: readonly StagedFile[]): Promise<void> {
  const manifest: StagingManifest = { version: 1, files: [...files] }
  const partial = join(layout.partialInputs, 'manifest')
  await writeFile(partial, JSON.stringify(manifest))
  await rename(partial, layout.manifest)
}
