import { describe, expect, it } from '@jest/globals'
import { buildBubblewrapCommand } from './bubblewrap.ts'
import type { HostFacts } from './host-facts.ts'
import type { Interpreter } from './interpreters.ts'
import { ID_MAP } from './map-user.ts'
import { buildUnsandboxedCommand } from './none.ts'
import type { SandboxRequest } from './sandbox.ts'
import { HOST_ID } from './sandbox.ts'
import { buildRootScript, buildUnshareCommand } from './unshare.ts'

const PREFIX = '/home/ann/.pyenv/versions/3.11'

const buildFacts = (rest: Partial<HostFacts> = {}): HostFacts => ({
  isRoot: false,
  system: [
    { path: '/usr', linkTarget: null },
    { path: '/lib', linkTarget: 'usr/lib' },
    { path: '/etc/ld.so.cache', linkTarget: null },
  ],
  programs: Object.fromEntries(
    ['bwrap', 'unshare', 'setpriv', 'prlimit', 'sh', 'pivot_root'].map((name) => [name, `/usr/bin/${name}`]),
  ),
  ...rest,
})

const buildInterpreter = (): Interpreter => ({
  name: 'python',
  executable: `${PREFIX}/bin/python3.11`,
  binDir: `${PREFIX}/bin`,
  readOnlyPaths: [PREFIX],
})

const buildRequest = (rest: Partial<SandboxRequest> = {}): SandboxRequest => ({
  command: ['sh', '-c', 'python $VOLUME/transformations/algorithm'],
  env: { DIDS: '["aa"]', secret: 's3cret' },
  dataFolder: '/jobs/1/data',
  scratchFolder: '/jobs/1/control/algorithm/root',
  readOnlyLogs: ['algorithm.log'],
  mark: '/jobs/1/algorithm',
  interpreters: [buildInterpreter()],
  maxProcesses: 256,
  tmpBytes: 1024,
  maxFileBytes: 4096,
  ...rest,
})

/** Whether these arguments stand next to one another. */
const holds = (argv: readonly string[], ...part: string[]) =>
  argv.some((_, index) => part.every((word, offset) => argv[index + offset] === word))

describe('buildBubblewrapCommand', () => {
  const { argv, env, handshake } = buildBubblewrapCommand(buildRequest(), buildFacts())

  it.each([
    ['has no network', ['--unshare-net']],
    ['has pids of its own', ['--unshare-pid']],
    ['has IPC of its own', ['--unshare-ipc']],
    ['has a host name of its own', ['--hostname', 'sandbox']],
    ['dies with the runner', ['--die-with-parent']],
    ['has no terminal', ['--new-session']],
    ['has no capability', ['--cap-drop', 'ALL']],
    ['shows system folders read-only', ['--ro-bind', '/usr', '/usr']],
    ['repeats system links', ['--symlink', 'usr/lib', '/lib']],
    ['shows inputs read-only', ['--ro-bind', '/jobs/1/data/inputs', '/data/inputs']],
    ['shows the algorithm read-only', ['--ro-bind', '/jobs/1/data/transformations', '/data/transformations']],
    ['shows DDOs read-only', ['--ro-bind', '/jobs/1/data/ddos', '/data/ddos']],
    ['shows outputs writable', ['--bind', '/jobs/1/data/outputs', '/data/outputs']],
    ['protects the log', ['--ro-bind', '/jobs/1/data/logs/algorithm.log', '/data/logs/algorithm.log']],
    ['shows the interpreter at its own place', ['--ro-bind', PREFIX, PREFIX]],
    ['names the interpreter', ['--symlink', `${PREFIX}/bin/python3.11`, '/opt/interpreters/python']],
    ['bounds /tmp', ['--size', '1024', '--tmpfs', '/tmp']],
    ['has a read-only root', ['--remount-ro', '/']],
    ['starts at the root, as images do', ['--chdir', '/']],
    ['hides where it runs', ['--unsetenv', 'C2D_STEP_MARK']],
    ['bounds processes and files', ['/usr/bin/prlimit', '--nproc=256', '--fsize=4096', '--core=0', '--']],
  ])('behaviour: %s', (_, part) => {
    expect(holds(argv, ...part)).toBe(true)
  })

  it('behaviour: shows nothing writable but outputs and logs', () => {
    const writable = argv.flatMap((word, index) => (word === '--bind' ? [argv[index + 2]] : []))
    expect(writable).toEqual(['/data/outputs', '/data/logs'])
  })

  it('behaviour: shows neither admin logs nor control files nor the whole /etc', () => {
    expect(argv.join(' ')).not.toMatch(/adminlogs|control/)
    expect(holds(argv, '--ro-bind', '/etc', '/etc')).toBe(false)
  })

  it('behaviour: keeps secrets out of the argument vector, which every user of the machine can read', () => {
    expect(argv.join(' ')).not.toContain('s3cret')
    expect(env).toMatchObject({ secret: 's3cret', VOLUME: '/data', HOME: '/tmp' })
  })

  it('behaviour: the environment cannot move PATH or VOLUME', () => {
    const moved = buildBubblewrapCommand(buildRequest({ env: { PATH: '/evil', VOLUME: '/evil' } }), buildFacts())
    expect(moved.env['PATH']).toMatch(/^\/opt\/interpreters:/)
    expect(moved.env['VOLUME']).toBe('/data')
  })

  it('behaviour: as an ordinary user it maps that user, and forbids further user namespaces', () => {
    expect(handshake).toBe('announce')
    expect(holds(argv, '--unshare-user', '--disable-userns', '--uid', '1000', '--gid', '1000')).toBe(true)
  })

  it('behaviour: as root it becomes an id that owns nothing on this machine', () => {
    const rooted = buildBubblewrapCommand(buildRequest(), buildFacts({ isRoot: true }))
    expect(rooted.handshake).toBe('map')
    expect(rooted.argv.slice(0, 3)).toEqual(['/usr/bin/unshare', '--user', '--'])
    expect(holds(rooted.argv, '/usr/bin/setpriv', '--reuid=1000', '--regid=1000', '--clear-groups')).toBe(true)
    expect(ID_MAP).toBe(`0 0 1\n1000 ${HOST_ID} 1\n`)
    expect(rooted.argv.slice(-3)).toEqual(buildRequest().command)
  })

  it('error: names the program that is missing', () => {
    expect(() => buildBubblewrapCommand(buildRequest(), buildFacts({ programs: {} }))).toThrow('bwrap is not installed')
  })
})

describe('buildUnshareCommand', () => {
  it('behaviour: has every namespace of its own and dies with the runner', () => {
    const { argv } = buildUnshareCommand(buildRequest(), buildFacts({ isRoot: true }))
    for (const flag of ['--mount', '--pid', '--net', '--ipc', '--uts', '--kill-child', '--fork'])
      expect(argv).toContain(flag)
    expect(holds(argv, '--pdeathsig', 'KILL')).toBe(true)
    expect(holds(argv, '--no-new-privs', '--')).toBe(true)
    expect(argv.slice(-3)).toEqual(buildRequest().command)
  })

  it('behaviour: as an ordinary user the algorithm moves into the last user namespace that is allowed', () => {
    const { argv } = buildUnshareCommand(buildRequest(), buildFacts())
    expect(holds(argv, '--user', '--map-root-user')).toBe(true)
    expect(holds(argv, '--map-user=1000', '--map-group=1000')).toBe(true)
    expect(argv.some((word) => word.startsWith('echo 1 > /proc/sys/user/max_user_namespaces'))).toBe(true)
  })

  it('behaviour: leaves the old root by pivot and unmounts it, as a chroot could be left again', () => {
    const lines = buildRootScript(buildRequest(), buildFacts()).split('\n')
    const at = (text: string) => lines.findIndex((line) => line.includes(text))
    expect(at('pivot_root . .before')).toBeGreaterThan(at('/proc/self/mountinfo'))
    expect(at('umount -l /.before')).toBeGreaterThan(at('pivot_root'))
    expect(at('remount,bind,ro,nosuid,nodev /')).toBeGreaterThan(at('umount -l'))
    expect(lines[0]).toBe('set -e')
    expect(lines.join('\n')).not.toMatch(/chroot|adminlogs/)
  })

  it('behaviour: quotes folder names', () => {
    expect(buildRootScript(buildRequest({ dataFolder: `/it's; rm` }), buildFacts())).toContain(`'/it'\\''s; rm/inputs'`)
  })
})

describe('buildUnsandboxedCommand', () => {
  it('behaviour: moves what names the volume to the real folder, and nothing that only looks like it', () => {
    const script = 'python /data/transformations/algorithm "/data" /database /my/data/x'
    const { argv, env, cwd } = buildUnsandboxedCommand(
      buildRequest({ command: ['sh', '-c', script], env: { INPUTS: '/data/inputs' } }),
    )
    expect(argv.at(-1)).toBe('python /jobs/1/data/transformations/algorithm "/jobs/1/data" /database /my/data/x')
    expect(env).toMatchObject({ VOLUME: '/jobs/1/data', INPUTS: '/jobs/1/data/inputs' })
    expect(cwd).toBe('/jobs/1')
  })
})
