import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { didSuffix, STAGING_MANIFEST_FILE } from '@c2d/contracts'

/** Every folder name and mode of a job's volume (pods-behaviour §1.10, with the modes that were meant). */
export interface VolumeLayout {
  root: string
  inputs: string
  transformations: string
  ddos: string
  outputs: string
  logs: string
  adminlogs: string
  algorithm: string
  customData: string
  manifest: string
  /** Where files lie until they are whole, each on the file system of where they go. */
  partialInputs: string
  partialTransformations: string
  /** Folder of one dataset's files. */
  inputFolder(did: string): string
  /** The file a DDO is kept in. */
  ddoFile(did: string): string
}

/** @param root the volume, `/data` in a container */
export function buildLayout(root: string): VolumeLayout {
  const inputs = join(root, 'inputs')
  const transformations = join(root, 'transformations')
  const ddos = join(root, 'ddos')
  return {
    root,
    inputs,
    transformations,
    ddos,
    outputs: join(root, 'outputs'),
    logs: join(root, 'logs'),
    adminlogs: join(root, 'adminlogs'),
    algorithm: join(transformations, 'algorithm'),
    customData: join(inputs, 'algoCustomData.json'),
    manifest: join(inputs, STAGING_MANIFEST_FILE),
    partialInputs: join(inputs, '.partial'),
    partialTransformations: join(transformations, '.partial'),
    inputFolder: (did) => join(inputs, didSuffix(did)),
    ddoFile: (did) => join(ddos, didSuffix(did)),
  }
}

/**
 * Makes the folders; images run as any user, so what an algorithm writes to is open to all. What an earlier try left
 * half done goes.
 */
export async function createFolders(layout: VolumeLayout): Promise<void> {
  await removePartials(layout)
  for (const folder of [layout.ddos, layout.partialInputs, layout.partialTransformations]) {
    await mkdir(folder, { recursive: true })
  }
  for (const folder of [layout.outputs, layout.logs]) {
    await mkdir(folder, { recursive: true })
    await chmod(folder, 0o777).catch(ignoreForeignOwner)
  }
}

/** Removes what never became whole. */
export async function removePartials(layout: VolumeLayout): Promise<void> {
  for (const folder of [layout.partialInputs, layout.partialTransformations]) {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The executor may have made the folder as another user, who then gave it the right mode already. */
function ignoreForeignOwner(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPERM') throw error
}
