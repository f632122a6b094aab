import { join } from 'node:path'
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

function buildSystemArguments(facts: HostFacts): string[] {
  return facts.system.flatMap(({ path, linkTarget }) =>
    linkTarget === null ? ['--ro-bind', path, path] : ['--symlink', linkTarget, path],
  )
}

function buildDeviceArguments(tmpBytes: number): string[] {
  const devices = DEVICES.flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`])
  const links = DEVICE_LINKS.flatMap(({ path, target }) => ['--symlink', target, path])
  // /dev itself is part of the root and read-only with it; Python's semaphores need a place to live.
  return [...devices, ...links, '--perms', '1777', '--size', String(tmpBytes), '--tmpfs', '/dev/shm']
}

function buildVolumeArguments(request: SandboxRequest): string[] {
  const folders = VOLUME_FOLDERS.flatMap(({ name, writable }) => [
    writable ? '--bind' : '--ro-bind',
    join(request.dataFolder, name),
    `${SANDBOX_VOLUME}/${name}`,
  ])
  // A mount point cannot be unlinked, renamed or replaced from inside: the log stays ours though its folder is the algorithm's.
  const logs = request.readOnlyLogs.flatMap((name) => [
    '--ro-bind',
    join(request.dataFolder, 'logs', name),
    `${SANDBOX_VOLUME}/logs/${name}`,
  ])
  return [...folders, ...logs]
}

function buildInterpreterArguments(request: SandboxRequest): string[] {
  const paths = [...new Set(request.interpreters.flatMap(({ readOnlyPaths }) => readOnlyPaths))]
  const links = request.interpreters.map(({ name, executable }) => [
    '--symlink',
    executable,
    `${INTERPRETER_LINKS}/${name}`,
  ])
  return [...paths.flatMap((path) => ['--ro-bind', path, path]), ...links.flat()]
}

// bubblewrap makes the folders above a mount for their owner only, which the algorithm is not.
function buildFolderArguments(request: SandboxRequest, facts: HostFacts): string[] {
  const shown = [
    ...facts.system,
    ...request.interpreters.flatMap(({ readOnlyPaths }) => readOnlyPaths.map((path) => ({ path }))),
  ]
  const folders = new Set(['/dev', SANDBOX_VOLUME])
  for (const path of [...shown.map((entry) => entry.path), `${INTERPRETER_LINKS}/any`]) {
    const names = path.split('/').slice(1, -1)
    names.forEach((_, index) => folders.add(`/${names.slice(0, index + 1).join('/')}`))
  }
  return [...folders].flatMap((folder) => ['--perms', '0755', '--dir', folder])
}

/**
 * How an algorithm runs under bubblewrap (DESIGN §5): own pid, network, IPC, UTS and user namespaces, a root of its own that shows the
 * system's programs read-only and the job's workspace, no capabilities, no way to more. Everything dies with the step runner.
 * @throws Error when a program it needs is missing
 */
export function buildBubblewrapCommand(request: SandboxRequest, facts: HostFacts): LaunchCommand {
  const user = facts.isRoot
    ? ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID', '--cap-add', 'CAP_SETPCAP']
    : ['--unshare-user', '--disable-userns', '--uid', String(INSIDE_ID), '--gid', String(INSIDE_ID)]
  const bwrap = [
    assertProgram(facts, 'bwrap'),
    ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--hostname', 'sandbox', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...user,
    ...buildFolderArguments(request, facts),
    ...buildSystemArguments(facts),
    ...buildDeviceArguments(request.tmpBytes),
    ...['--proc', '/proc', '--perms', '1777', '--size', String(request.tmpBytes), '--tmpfs', '/tmp'],
    ...buildInterpreterArguments(request),
    ...buildVolumeArguments(request),
    // Its own first process would keep the mark in an environment that an algorithm of the same user can read.
    ...['--remount-ro', '/', '--chdir', '/', '--unsetenv', STEP_MARK, '--as-pid-1', '--'],
    ...['/bin/sh', '-c', BECOME_INIT, 'sandbox'],
    ...buildLimitsCommand(request, facts),
    ...(facts.isRoot ? buildDropCommand(facts) : []),
    ...['/bin/sh', '-c', ENTER_SCRIPT, 'sandbox', ...request.command],
  ]
  return {
    argv: facts.isRoot ? buildMappedCommand(bwrap, facts) : bwrap,
    env: { ...buildSandboxEnv(request), [STEP_MARK]: request.mark },
    cwd: '/',
    handshake: facts.isRoot ? 'map' : 'announce',
    isolated: true,
  }
}
