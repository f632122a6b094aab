import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { homedir, networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Executor, StepSpec } from '../../src/executor/executor.ts'
import { detectSandbox } from '../../src/executor/sandbox/detect-sandbox.ts'
import { buildJobId, buildStep, waitForEnd, waitUntil } from './executor-conformance.ts'
import type { ProcessSetup } from './executor-process-setup.ts'
import { countProcesses, setUpProcess } from './executor-process-setup.ts'
import { SANDBOXES_HERE } from './sandboxes-here.ts'

const run = promisify(execFile)
const SECRET = 'the-owner-s-secret'

/** Says REACHED when something answers there, else what stopped it. Run by Node, inside and outside. */
const connectProgram = (host: string, port: number) => `
const socket = require('net').connect({ host: '${host}', port: ${port}, timeout: 2000 })
const end = (word) => { console.log(word); process.exit(0) }
socket.on('connect', () => end('REACHED')).on('error', (e) => end('blocked ' + e.code)).on('timeout', () => end('blocked timeout'))`

const sendProgram = (host: string, port: number) => `
const socket = require('dgram').createSocket('udp4')
socket.send('hello', ${port}, '${host}', (error) => { console.log(error ? 'blocked ' + error.code : 'SENT'); socket.close() })`

describe.each(SANDBOXES_HERE)('sandbox %s: what an algorithm tries in vain', (kind) => {
  let setup: ProcessSetup
  let executor: Executor
  let outside: string
  const jobs: string[] = []
  let reached = 0
  let datagrams = 0
  const tcp = createServer((socket) => {
    reached += 1
    socket.on('error', () => undefined)
    socket.end()
  })
  const udp = createSocket('udp4')

  const inJob = (jobId: string, ...path: string[]) => join(setup.root, jobId, ...path)
  const runSealed = async (script: string, limits: Partial<StepSpec['limits']> = {}, algorithm = '') => {
    const jobId = buildJobId()
    jobs.push(jobId)
    await executor.prepare(jobId)
    await writeFile(inJob(jobId, 'data', 'transformations', 'algorithm'), algorithm)
    await writeFile(inJob(jobId, 'data', 'inputs', 'dataset'), 'data')
    await executor.start(jobId, 'algorithm', buildStep(script, limits))
    const ended = await waitForEnd(executor, jobId)
    return { jobId, ended, log: await text(executor.logs(jobId, 'algorithm')) }
  }
  const runNode = async (code: string) => (await runSealed('node /data/transformations/algorithm', {}, code)).log.trim()
  const runOutside = async (code: string) => (await run(process.execPath, ['-e', code])).stdout.trim()

  beforeAll(async () => {
    setup = await setUpProcess(await detectSandbox({ allowUnsandboxed: false, kinds: [kind] }))
    executor = await setup.makeExecutor()
    outside = await mkdtemp(join(tmpdir(), 'c2d-outside-'))
    await writeFile(join(outside, 'secret'), SECRET)
    // Dual stack: every address of this machine reaches it.
    await new Promise<void>((resolve) => tcp.listen({ port: 0, host: '::' }, resolve))
    await new Promise<void>((resolve) => udp.bind(0, '0.0.0.0', resolve))
    udp.on('message', () => {
      datagrams += 1
    })
  })
  afterEach(async () => {
    for (const jobId of jobs.splice(0)) await executor.remove(jobId)
  })
  afterAll(async () => {
    await executor.close()
    await setup.close()
    await rm(outside, { recursive: true })
    await new Promise((resolve) => tcp.close(resolve))
    await new Promise<void>((resolve) => udp.close(resolve))
  })

  const ownAddresses = () =>
    Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .map(({ address, scopeid }) => (scopeid ? null : address))
      .filter((address) => address !== null)

  it('behaviour: reaches no address of this machine by TCP', async () => {
    const { port } = tcp.address() as AddressInfo
    expect(ownAddresses()).toContain('127.0.0.1')
    for (const address of new Set([...ownAddresses(), '::1'])) {
      const program = connectProgram(address, port)
      reached = 0
      const control = await runOutside(program)
      // A machine without IPv6 has no ::1 to protect; every other address must show that the listener is there.
      if (ownAddresses().includes(address)) expect(control).toBe('REACHED')
      reached = 0
      expect(await runNode(program)).toMatch(/^blocked/)
      expect(reached).toBe(0)
    }
  })

  it('behaviour: sends no datagram out', async () => {
    const { port } = udp.address()
    for (const address of ownAddresses().filter((each) => !each.includes(':'))) {
      datagrams = 0
      await runOutside(sendProgram(address, port))
      await waitUntil(() => datagrams === 1)
      datagrams = 0
      await runNode(sendProgram(address, port))
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(datagrams).toBe(0)
    }
  })

  it('behaviour: sees no network interface but its own loopback', async () => {
    const { log } = await runSealed('tail -n +3 /proc/net/dev | cut -d: -f1')
    expect(log.trim()).toMatch(/^(lo)?$/)
    expect((await readFile('/proc/net/dev', 'utf8')).split('\n').length).toBeGreaterThan(3)
  })

  it('behaviour: opens no raw and no packet socket', async () => {
    const code = `import socket
for family, kind, protocol in ((socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_PACKET, socket.SOCK_RAW, 0)):
    try:
        socket.socket(family, kind, protocol); print('OPENED')
    except OSError as error:
        print('blocked', error.errno)`
    if (process.geteuid?.() === 0) expect((await run('python3', ['-c', code])).stdout).toContain('OPENED')
    const { log } = await runSealed('python3 /data/transformations/algorithm', {}, code)
    expect(log.trim().split('\n')).toEqual([expect.stringMatching(/^blocked/), expect.stringMatching(/^blocked/)])
  })

  it('behaviour: reads no file outside its workspace, by no path', async () => {
    const file = join(outside, 'secret')
    expect(await readFile(file, 'utf8')).toBe(SECRET)
    const script = `try() { cat "$@" && echo; }
      try ${file}; try /data/../${file}; try /data/outputs/../../../../..${file}
      ln -s ${file} /data/outputs/link; try /data/outputs/link
      for pid in /proc/[0-9]*; do try $pid/root${file}; try $pid/cwd${file}; for fd in $pid/fd/*; do [ -d "$fd" ] && try "$fd${file}"; done; done
      exit 0`
    const { log } = await runSealed(script)
    expect(log).not.toContain(SECRET)
    expect(log).toContain('No such file')
  })

  it("behaviour: sees neither another job's workspace, nor its own control files and admin logs", async () => {
    const other = buildJobId()
    jobs.push(other)
    await executor.prepare(other)
    await writeFile(inJob(other, 'data', 'inputs', 'dataset'), SECRET)
    const path = inJob(other, 'data', 'inputs', 'dataset')
    const { log } = await runSealed(
      `cat '${path}'; ls /data; ls '${setup.root}'; find / -xdev -name '*.json' -path '*control*' 2>/dev/null; true`,
    )
    expect(log).not.toContain(SECRET)
    expect(log).toContain('ddos\ninputs\nlogs\noutputs\ntransformations\n')
    expect(log).not.toMatch(/adminlogs|started\.json/)
  })

  it('behaviour: sees nothing of the system but its programs', async () => {
    const { log } = await runSealed(
      `ls /; echo --; ls /etc; echo --; ls -A '${homedir()}' /root /home /var /sys /run /boot /mnt 2>/dev/null; echo --; ls /dev; cat /etc/passwd /etc/shadow; hostname`,
    )
    const [top = '', etc = '', homes = '', rest = ''] = log.split('--\n')
    expect(
      top.split('\n').filter((name) => ['home', 'var', 'sys', 'run', 'boot', 'mnt', 'srv'].includes(name)),
    ).toEqual([])
    expect(etc.trim().split('\n').sort()).toEqual(expect.not.arrayContaining(['passwd', 'shadow', 'hosts', 'ssl']))
    // An interpreter below a home folder is shown with the folders above it, and these hold nothing else.
    expect(homes).not.toMatch(/\.(ssh|bashrc|npm|config|cache|gitconfig)/)
    expect(rest).not.toMatch(/root:|sd[a-z]|vd[a-z]|kmsg|mem\b/)
    expect(rest).toMatch(/sandbox\s*$/)
  })

  it('behaviour: writes to its outputs, its logs and /tmp, and nowhere else', async () => {
    const places = [
      '/data/inputs',
      '/data/transformations',
      '/data/ddos',
      '/data',
      '/usr',
      '/usr/bin',
      '/etc',
      '/',
      '/dev',
      '/proc/sys/kernel',
      '/opt/interpreters',
    ]
    const script = `for place in ${places.join(' ')}; do touch $place/mark 2>/dev/null && echo "WROTE $place"; done
      echo x > /data/inputs/dataset; rm -f /data/inputs/dataset; mv /data/inputs /data/gone
      echo x >> /data/transformations/algorithm; echo x > /proc/sys/kernel/hostname; echo x > /data/logs/algorithm.log
      for place in /data/outputs /data/logs /tmp /dev/shm; do touch $place/mark && echo "fine $place"; done`
    const { jobId, log } = await runSealed(script)
    expect(log).not.toContain('WROTE')
    expect(log.match(/^fine/gm)).toHaveLength(4)
    expect(await readFile(inJob(jobId, 'data', 'inputs', 'dataset'), 'utf8')).toBe('data')
    expect(await readFile(inJob(jobId, 'data', 'transformations', 'algorithm'), 'utf8')).toBe('')
  })

  it('behaviour: sees and signals no process but its own', async () => {
    const { log, ended } = await runSealed(
      `ls -d /proc/[0-9]* | wc -l; cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'step-runne[r]'
       kill -9 ${process.pid} && echo KILLED; kill -9 -1; sleep 0.1; kill -9 1; echo alive`,
    )
    const [count = '', runners = ''] = log.split('\n')
    expect(Number(count)).toBeLessThan(8)
    expect(runners).toBe('0')
    expect(log).not.toContain('KILLED')
    expect(ended.reason).toBeNull()
  })

  it('behaviour: has no capability, no way to one, and is not root on this machine', async () => {
    const script = `grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status; id -u
      mkdir -p /tmp/m; mount -t tmpfs none /tmp/m 2>/dev/null && echo MOUNTED
      mount -o remount,rw,bind /data/inputs 2>/dev/null && echo REMOUNTED; umount /data/inputs 2>/dev/null && echo UNMOUNTED
      chroot / true 2>/dev/null && echo CHROOTED
      for flag in --user --map-root-user --mount --net --pid; do unshare $flag true 2>/dev/null && echo "UNSHARED $flag"; done
      setpriv --reuid 0 true 2>/dev/null && echo ROOT; mknod /tmp/d b 8 0 2>/dev/null && echo DEVICE
      nsenter -t 1 -m true 2>/dev/null && echo ENTERED
      cp /bin/sh /tmp/sh; chmod u+s /tmp/sh; /tmp/sh -p -c 'id -u'`
    const { log } = await runSealed(script)
    expect(log.match(/^Cap\w+:\t(\w+)$/gm)).toHaveLength(5)
    for (const line of log.match(/^Cap(Inh|Prm|Eff|Amb):.*$/gm) ?? []) expect(line).toMatch(/:\t0{16}$/)
    expect(log).toMatch(/^NoNewPrivs:\t1$/m)
    expect(log).not.toMatch(/MOUNTED|REMOUNTED|UNMOUNTED|CHROOTED|UNSHARED|ROOT|DEVICE|ENTERED/)
    expect(log.match(/^1000$/gm)?.length).toBe(2)
    // An engine that is an ordinary user has but its own id to give, which an outer namespace may show as 0.
    if (process.geteuid?.() === 0) {
      expect((await runSealed('cat /proc/self/uid_map')).log).not.toMatch(/^\s*1000\s+0\s/m)
    }
  })

  it('behaviour: sees no variable of the engine, and none that leads to it', async () => {
    process.env['ENGINE_SECRET'] = SECRET
    const { jobId, log } = await runSealed(`env; cat /proc/*/environ | tr '\\0' '\\n'; true`)
    delete process.env['ENGINE_SECRET']
    expect(log).not.toContain(SECRET)
    expect(log).not.toContain(jobId)
    expect(log).toContain('VOLUME=/data\n')
  })

  it('behaviour: is ended when it takes more memory than it may', async () => {
    const code = `blocks = []
while True:
    blocks.append(bytearray(8 * 1024 * 1024))
    import time; time.sleep(0.01)`
    const { ended } = await runSealed(
      'python3 /data/transformations/algorithm',
      { memoryBytes: 64 * 1024 * 1024 },
      code,
    )
    expect(ended.reason).toBe('OutOfMemory')
    expect(ended.exitCode).not.toBe(0)
  })

  it('behaviour: memory that a family of processes shares counts once', async () => {
    const code = `import os, time
block = bytearray(60 * 1024 * 1024)
for _ in range(4):
    if os.fork() == 0:
        time.sleep(0.8); os._exit(0)
for _ in range(4): os.wait()
print('done')`
    const { ended, log } = await runSealed(
      'python3 /data/transformations/algorithm',
      { memoryBytes: 130 * 1024 * 1024 },
      code,
    )
    expect(log).toBe('done\n')
    expect(ended).toMatchObject({ exitCode: 0, reason: null })
  })

  it.each([
    ['one file', 'cat /dev/zero > /data/outputs/big'],
    ['many files', 'i=0; while :; do head -c 400000 /dev/zero > /data/outputs/f$i || exit 1; i=$((i+1)); done'],
    ['its log folder', 'cd /data/logs; i=0; while :; do head -c 400000 /dev/zero > f$i || exit 1; i=$((i+1)); done'],
  ])('behaviour: is ended when it fills the workspace with %s', async (_, script) => {
    const { ended } = await runSealed(script, { workspaceBytes: 4 * 1024 * 1024 })
    expect(ended.reason).toBe('WorkspaceFull')
  })

  it('behaviour: cannot fill this machine through /tmp', async () => {
    const { log } = await runSealed(
      `head -c 200000000 /dev/zero > /tmp/big; stat -c %s /tmp/big; head -c 200000000 /dev/zero > /dev/shm/big; stat -c %s /dev/shm/big`,
    )
    for (const size of log.match(/^\d+$/gm) ?? []) expect(Number(size)).toBeLessThanOrEqual(64 * 1024 * 1024)
    expect(log).toContain('No space left')
  })

  it('behaviour: cannot fork without end', async () => {
    const token = `fork_${buildJobId()}`
    const code = `import os, time
count = 0
try:
    for _ in range(400):
        if os.fork() == 0:
            time.sleep(30); os._exit(0)
        count += 1
except OSError:
    print('refused')
print(count, flush=True)
os._exit(3)`
    const { log, ended } = await runSealed(`: ${token}; python3 /data/transformations/algorithm; exit $?`, {}, code)
    expect(log).toContain('refused')
    expect(Number(/^\d+$/m.exec(log)?.[0])).toBeLessThan(256)
    expect(ended).toMatchObject({ exitCode: 3, reason: null })
    expect(await countProcesses(token)).toBe(0)
  })
})
