import { dirname, join } from 'node:path'
import type { HostFacts } from './host-facts.ts'
import { assertProgram } from './host-facts.ts'
import { buildDropCommand, buildLimitsCommand, buildMappedCommand } from './map-user.ts'
import type { LaunchCommand, SandboxRequest } from './sandbox.ts'
import {
  BECOME_INIT,
  DEVICE_LINKS,
  DEVICES,
  ENTER_SCRIPT,
  INSIDE_ID,
  INTERPRETER_LINKS,
  SANDBOX_VOLUME,
  STEP_MARK,
  VOLUME_FOLDERS,
  buildSandboxEnv,
} from './sandbox.ts'

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Shell lines that build the new root at `request.scratchFolder` and move into it. */
export function buildRootScript(request: SandboxRequest, facts: HostFacts): string {
  const root = request.scratchFolder
  const at = (path: string) => quote(root + path)
  const folder = (path: string) => `mkdir -p ${at(path)}`
  const show = (from: string, to: string) => `mount --rbind ${quote(from)} ${at(to)}`
  const link = (target: string, path: string) => `mkdir -p ${at(dirname(path))}; ln -s ${quote(target)} ${at(path)}`
  // Only a folder can be mounted on a folder, and only a file on a file.
  const showAny = (path: string) =>
    `if [ -d ${quote(path)} ]; then ${folder(path)}; else ${folder(dirname(path))}; : > ${at(path)}; fi; ${show(path, path)}`
  const tmpfs = (path: string) =>
    `${folder(path)}; mount -t tmpfs -o size=${request.tmpBytes},mode=1777,nosuid,nodev tmpfs ${at(path)}`
  const interpreterPaths = [...new Set(request.interpreters.flatMap(({ readOnlyPaths }) => readOnlyPaths))]
  const volume = SANDBOX_VOLUME
  return [
    'set -e',
    // The file is the real root's alone; the program is the other way, and not everywhere. The name is the namespace's own either way.
    'hostname sandbox 2>/dev/null || (echo sandbox > /proc/sys/kernel/hostname) 2>/dev/null || :',
    `mount -t tmpfs -o size=1m,mode=0755,nosuid,nodev tmpfs ${quote(root)}`,
    ...facts.system.map(({ path, linkTarget }) => (linkTarget === null ? showAny(path) : link(linkTarget, path))),
    ...interpreterPaths.map(showAny),
    ...request.interpreters.map(({ name, executable }) => link(executable, `${INTERPRETER_LINKS}/${name}`)),
    ...VOLUME_FOLDERS.map(
      ({ name }) => `${folder(`${volume}/${name}`)}; ${show(join(request.dataFolder, name), `${volume}/${name}`)}`,
    ),
    ...request.readOnlyLogs.map((name) => show(join(request.dataFolder, 'logs', name), `${volume}/logs/${name}`)),
    // Everything shown so far, with whatever is mounted inside it, becomes read-only; outputs and logs stay writable.
    // A mount keeps the options it had: inside a user namespace none of them may be taken away. Blanks stand there as \\040.
    'while read -r _ _ _ _ point options _; do',
    `  point=$(printf %b "$point")`,
    `  case "$point" in`,
    ...VOLUME_FOLDERS.filter(({ writable }) => writable).map(
      ({ name }) => `    ${at(`${volume}/${name}`)}) mount -o "remount,bind,$options,nosuid,nodev" "$point" ;;`,
    ),
    `    ${at('/')}*) mount -o "remount,bind,$options,ro,nosuid,nodev" "$point" ;;`,
    '  esac',
    'done < /proc/self/mountinfo',
    folder('/dev'),
    ...DEVICES.map((name) => `: > ${at(`/dev/${name}`)}; mount --bind /dev/${name} ${at(`/dev/${name}`)}`),
    ...DEVICE_LINKS.map(({ path, target }) => link(target, path)),
    tmpfs('/dev/shm'),
    tmpfs('/tmp'),
    `${folder('/proc')}; mount -t proc -o nosuid,nodev,noexec proc ${at('/proc')}`,
    folder('/.before'),
    `cd ${quote(root)}`,
    // The old root is unmounted, not hidden: a chroot could be left again.
    `${assertProgram(facts, 'pivot_root')} . .before`,
    'cd /',
    'umount -l /.before',
    'rmdir /.before',
    'mount -o remount,bind,ro,nosuid,nodev /',
    // The shell remembers where it came from, and would hand that on.
    `unset ${STEP_MARK} OLDPWD`,
  ].join('\n')
}

/**
 * How an algorithm runs where only util-linux is there (DESIGN §5): the same walls as under bubblewrap, built by a shell as root of
 * a user namespace. That shell stays as pid 1 and reaps; the algorithm is its child, another user, without capabilities.
 * @throws Error when a program it needs is missing
 */
export function buildUnshareCommand(request: SandboxRequest, facts: HostFacts): LaunchCommand {
  const sh = assertProgram(facts, 'sh')
  const unshare = assertProgram(facts, 'unshare')
  const setpriv = assertProgram(facts, 'setpriv')
  const limits = buildLimitsCommand(request, facts)
  const enter = ['/bin/sh', '-c', ENTER_SCRIPT, 'sandbox', ...request.command]
  // Without a second id to map, the algorithm moves into one more user namespace, the last one allowed, and drops its capabilities there.
  const inner = facts.isRoot
    ? [...limits, ...buildDropCommand(facts), ...enter]
    : [
        ...[unshare, '--user', `--map-user=${INSIDE_ID}`, `--map-group=${INSIDE_ID}`, '--', ...limits],
        ...[setpriv, '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--', ...enter],
      ]
  const last = facts.isRoot ? '' : 'echo 1 > /proc/sys/user/max_user_namespaces\n'
  const script = `${last}${buildRootScript(request, facts)}\n${BECOME_INIT}`
  const outer = [
    ...[setpriv, '--pdeathsig', 'KILL', '--', unshare, ...(facts.isRoot ? [] : ['--user', '--map-root-user'])],
    ...[
      '--mount',
      '--pid',
      '--net',
      '--ipc',
      '--uts',
      '--cgroup',
      '--fork',
      '--kill-child',
      '--propagation',
      'private',
    ],
    ...['--', sh, '-c', script, 'sandbox', ...inner],
  ]
  return {
    argv: facts.isRoot ? buildMappedCommand(outer, facts) : outer,
    env: { ...buildSandboxEnv(request), [STEP_MARK]: request.mark },
    cwd: '/',
    handshake: facts.isRoot ? 'map' : 'announce',
    isolated: true,
  }
}
