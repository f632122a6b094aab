import type { Volume, VolumeMount } from './manifest.ts'

/**
 * Where the file of an algorithm's last words is hidden. Kubernetes mounts one into every container, writable for all, a file of
 * the node's own disk that kubelet counts for nobody: whoever writes to it fills the node, whatever his limits. It cannot be
 * left out, but it can be mounted where only another user may enter: a folder that the gate makes, as a user of its own.
 */
const ROOM = '/run/c2d'
const FOLDER = `${ROOM}/closed`

/** Where an algorithm's container has that file. */
export const LAST_WORDS = `${FOLDER}/last-words`

/** Whom the folder belongs to: nobody else's user in the pod. */
export const GATE_USER_ID = 1001

export const CLOSED_VOLUME: Volume = { name: 'closed', emptyDir: { sizeLimit: '1Mi' } }
export const CLOSED_MOUNT: VolumeMount = { name: 'closed', mountPath: ROOM }

/** Makes the folder, and in it the file that is mounted over, before a command of the gate. */
export function buildHidingCommand(command: readonly string[]): string[] {
  return ['sh', '-c', `umask 077 && mkdir -p ${FOLDER} && : > ${LAST_WORDS} && exec "$@"`, 'sh', ...command]
}
