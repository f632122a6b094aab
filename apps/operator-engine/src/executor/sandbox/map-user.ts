import type { HostFacts } from './host-facts.ts'
import { assertProgram } from './host-facts.ts'
import { HOST_ID, INSIDE_ID } from './sandbox.ts'

/**
 * The user namespace of an engine that is root: its root is ours, so that it can build the sandbox from files only we may see;
 * its user 1000 is an id that owns nothing on this machine, and that is who the algorithm becomes, for good.
 */
export const ID_MAP = `0 0 1\n${INSIDE_ID} ${HOST_ID} 1\n`

// An unmapped process loses its capabilities at the next exec and gains them again at the first one after the mapping, hence the second
// shell. It forbids further user namespaces, the door to capabilities and to most of the kernel's attack surface.
const MAP_SCRIPT = `printf u >&3; read -r go <&3 || exit 1
exec "$0" -c 'echo 0 > /proc/sys/user/max_user_namespaces || exit 1; exec "$@"' "$0" "$@"`

/** Argument vector that runs `argv` as root of a new user namespace, after the handshake of kind `map`. */
export function buildMappedCommand(argv: readonly string[], facts: HostFacts): string[] {
  const sh = assertProgram(facts, 'sh')
  return [assertProgram(facts, 'unshare'), '--user', '--', sh, '-c', MAP_SCRIPT, sh, ...argv]
}

/** Argument vector that caps what one process may do to its neighbours: process count, size of a file, no core dumps. */
export function buildLimitsCommand(limits: { maxProcesses: number; maxFileBytes: number }, facts: HostFacts): string[] {
  const { maxProcesses, maxFileBytes } = limits
  return [assertProgram(facts, 'prlimit'), `--nproc=${maxProcesses}`, `--fsize=${maxFileBytes}`, '--core=0', '--']
}

/** Argument vector that turns the namespace's root into the user of the algorithm, with no way back. */
export function buildDropCommand(facts: HostFacts): string[] {
  const ids = [`--reuid=${INSIDE_ID}`, `--regid=${INSIDE_ID}`, '--clear-groups']
  return [assertProgram(facts, 'setpriv'), ...ids, '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--']
}
