import { SEAL_MARK } from '@c2d/contracts'
import type { StepName } from '../executor.ts'
import type { VolumeMount } from './manifest.ts'

/** Folders of a job's volume, each a sub-path of its own; `seal` is never seen by a stranger's code (DESIGN §5). */
export type VolumeFolder = 'inputs' | 'transformations' | 'ddos' | 'outputs' | 'logs' | 'adminlogs' | 'seal'

/** Where the volume's folders are mounted. */
export const VOLUME_ROOT = '/data'
/** Where our own pods find what only they may see of the volume. */
export const SEAL_FOLDER = `${VOLUME_ROOT}/${SEAL_MARK.folder}`

/** What each step sees of the volume, and how. */
const MOUNTS: Record<StepName, Partial<Record<VolumeFolder, 'ro' | 'rw'>>> = {
  configure: { inputs: 'rw', transformations: 'rw', ddos: 'rw', outputs: 'rw', logs: 'rw', seal: 'rw' },
  algorithm: { inputs: 'ro', transformations: 'ro', ddos: 'ro', outputs: 'rw', logs: 'rw' },
  filter: { inputs: 'ro', transformations: 'ro', ddos: 'ro', outputs: 'rw', logs: 'ro' },
  // A file that its author closed to himself is opened again before it is published.
  publish: { outputs: 'rw', logs: 'rw', adminlogs: 'rw' },
}

/** What is emptied before a step is attempted again. */
export const WRITTEN_FOLDERS: Record<StepName, readonly VolumeFolder[]> = {
  configure: ['inputs', 'transformations', 'ddos', 'seal'],
  algorithm: ['outputs', 'logs'],
  filter: [],
  publish: [],
}

/** The volume's folders as a step of this name sees them. */
export function buildStepMounts(step: StepName): VolumeMount[] {
  return buildFolderMounts(MOUNTS[step])
}

/** Some of the volume's folders, mounted where every pod of ours finds them. */
export function buildFolderMounts(folders: Partial<Record<VolumeFolder, 'ro' | 'rw'>>): VolumeMount[] {
  return Object.entries(folders).map(([folder, mode]) => ({
    name: 'data',
    mountPath: `${VOLUME_ROOT}/${folder}`,
    subPath: folder,
    ...(mode === 'ro' ? { readOnly: true } : {}),
  }))
}

/** Empties folders that somebody else may have closed to himself; their own permissions and mount points stay. */
export function buildEmptyCommand(folders: readonly VolumeFolder[]): string[] {
  const paths = folders.map((folder) => `${VOLUME_ROOT}/${folder}`)
  const script = 'for f in "$@"; do chmod -R u+rwX "$f"/* 2>/dev/null; find "$f" -mindepth 1 -delete || exit 1; done'
  return ['sh', '-c', script, 'sh', ...paths]
}
