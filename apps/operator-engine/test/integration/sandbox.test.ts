import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { countProcesses } from './executor-process-setup.ts'
import { SANDBOXES_HERE } from './sandboxes-here.ts'
import { buildJobId } from './steps-under-test.ts'
import { openSealedRuns, type SealedRuns } from './support/sealed-runs.ts'

const SECRET = 'the-owner-s-secret'

describe.each(SANDBOXES_HERE)('sandbox %s: what an algorithm tries in vain', (kind) => {
  let runs: SealedRuns
  let outside: string
  const inJob = (jobId: string, ...path: string[]) => join(runs.root, jobId, ...path)

  beforeAll(async () => {
    runs = await openSealedRuns(kind)
    outside = await mkdtemp(join(tmpdir(), 'c2d-outside-'))
    await writeFile(join(outside, 'secret'), SECRET)
  })
  afterEach(() => runs.clear())
  afterAll(async () => {
    await runs.close()
    await rm(outside, { recursive: true })
  })

  it('behaviour: reads no file outside its workspace, by no path', async () => {
    const file = join(outside, 'secret')
    expect(await readFile(file, 'utf8')).toBe(SECRET)
    const script = `try() { cat "$@" && echo; }
      try ${file}; try /data/../${file}; try /data/outputs/../../../../..${file}
      ln -s ${file} /data/outputs/link; try /data/outputs/link
      for pid in /proc/[0-9]*; do try $pid/root${file}; try $pid/cwd${file}; for fd in $pid/fd/*; do [ -d "$fd" ] && try "$fd${file}"; done; done
      exit 0`
    const { log } = await runs.run(script)
    expect(log).not.toContain(SECRET)
    expect(log).toContain('No such file')
  })

  it("behaviour: sees neither another job's workspace, nor its own control files and admin logs", async () => {
    const other = await runs.prepare()
    await writeFile(inJob(other, 'data', 'inputs', 'dataset'), SECRET)
    const path = inJob(other, 'data', 'inputs', 'dataset')
    const { log } = await runs.run(
      `cat '${path}'; ls /data; ls '${runs.root}'; find / -xdev -name '*.json' -path '*control*' 2>/dev/null; true`,
    )
    expect(log).not.toContain(SECRET)
    expect(log).toContain('ddos\ninputs\nlogs\noutputs\ntransformations\n')
    expect(log).not.toMatch(/adminlogs|started\.json/)
  })

  it('behaviour: sees nothing of the system but its programs', async () => {
    const { log } = await runs.run(
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
    const { jobId, log } = await runs.run(script)
    expect(log).not.toContain('WROTE')
    expect(log.match(/^fine/gm)).toHaveLength(4)
    expect(await readFile(inJob(jobId, 'data', 'inputs', 'dataset'), 'utf8')).toBe('data')
    expect(await readFile(inJob(jobId, 'data', 'transformations', 'algorithm'), 'utf8')).toBe('')
  })

  it('behaviour: sees and signals no process but its own', async () => {
    const { log, ended } = await runs.run(
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
    const { log } = await runs.run(script)
    expect(log.match(/^Cap\w+:\t(\w+)$/gm)).toHaveLength(5)
    for (const line of log.match(/^Cap(Inh|Prm|Eff|Amb):.*$/gm) ?? []) expect(line).toMatch(/:\t0{16}$/)
    expect(log).toMatch(/^NoNewPrivs:\t1$/m)
    expect(log).not.toMatch(/MOUNTED|REMOUNTED|UNMOUNTED|CHROOTED|UNSHARED|ROOT|DEVICE|ENTERED/)
    expect(log.match(/^1000$/gm)?.length).toBe(2)
    // An engine that is an ordinary user has but its own id to give, which an outer namespace may show as 0.
    if (process.geteuid?.() === 0) {
      expect((await runs.run('cat /proc/self/uid_map')).log).not.toMatch(/^\s*1000\s+0\s/m)
    }
  })

  it('behaviour: sees no variable of the engine, and none that leads to it', async () => {
    process.env['ENGINE_SECRET'] = SECRET
    const { jobId, log } = await runs.run(`env; cat /proc/*/environ | tr '\\0' '\\n'; true`)
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
    const { ended } = await runs.run('python3 /data/transformations/algorithm', { memoryBytes: 64 * 1024 * 1024 }, code)
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
    const { ended, log } = await runs.run(
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
    const { ended } = await runs.run(script, { workspaceBytes: 4 * 1024 * 1024 })
    expect(ended.reason).toBe('WorkspaceFull')
  })

  it('behaviour: cannot fill this machine through /tmp', async () => {
    const { log } = await runs.run(
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
    const { log, ended } = await runs.run(`: ${token}; python3 /data/transformations/algorithm; exit $?`, {}, code)
    expect(log).toContain('refused')
    expect(Number(/^\d+$/m.exec(log)?.[0])).toBeLessThan(256)
    expect(ended).toMatchObject({ exitCode: 3, reason: null })
    expect(await countProcesses(token)).toBe(0)
  })
})
