import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { didSuffix } from '@c2d/contracts'

/** Every folder name and mode of a job's volume (pods-behaviour §1.10, with the modes that were meant). */
export interface VolumeLayout {
  inputs: string
  transformations: string
  ddos: string
  outputs: string
  logs: string
  adminlogs: string
  algorithm: string
  customData: string
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
    inputs,
    transformations,
    ddos,
    outputs: join(root, 'outputs'),
    logs: join(root, 'logs'),
    adminlogs: join(root, 'adminlogs'),
    algorithm: join(transformations, 'algorithm'),
    customData: join(inputs, 'algoCustomData.json'),
    inputFolder: (did) => join(inputs, didSuffix(did)),
    ddoFile: (did) => join(ddos, didSuffix(did)),
  }
}

/** Makes the folders; images run as any user, so what an algorithm writes to is open to all. */
export async function createFolders(layout: VolumeLayout): Promise<void> {
  for (const folder of [layout.inputs, layout.transformations, layout.ddos]) await mkdir(folder, { recursive: true })
  for (const folder of [layout.outputs, layout.logs]) {
    await mkdir(folder, { recursive: true })
    await chmod(folder, 0o777).catch(ignoreForeignOwner)
  }
}

/** The executor may have made the folder as another user, who then gave it the right mode already. */
function ignoreForeignOwner(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPERM') throw error
}
