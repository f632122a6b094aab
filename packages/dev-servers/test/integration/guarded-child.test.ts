import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { spawnGuarded, type GuardedChild, type GuardedChildOptions } from '../../src/guarded-child.ts'
import { isRunning, listOwnChildren, listRunning, waitUntilGone } from './running-processes.ts'
import { runProgram } from './program.ts'

const children: GuardedChild[] = []

function shell(script: string, options: Partial<GuardedChildOptions> = {}): GuardedChild {
  const child = spawnGuarded({ command: '/bin/sh', args: ['-c', script], stopSignal: 'SIGTERM', ...options })
  children.push(child)
  return child
}

async function firstLine(script: string, options: Partial<GuardedChildOptions> = {}): Promise<GuardedChild> {
  return new Promise((resolve) => {
    const child = shell(script, { ...options, onLog: () => resolve(child) })
  })
}

/** A program that starts one guarded child, says its pid, and waits. */
function guardian(script: string, afterwards: readonly string[]): string {
  return `
    import { spawnGuarded } from './src/guarded-child.ts'
    const child = spawnGuarded({ command: '/bin/sh', args: ['-c', ${JSON.stringify(script)}], stopSignal: 'SIGTERM',
      stopGraceMs: 500, afterwards: ${JSON.stringify(afterwards)}, onLog: () => console.log(child.pid) })
    setInterval(() => undefined, 1000)`
}

describe('a guarded child', () => {
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()))
  })

  it('is the program itself: its pid, its exit code, its output, a clean environment', async () => {
    const lines: string[] = []
    const child = shell('echo $$; echo "home:$HOME"; exit 7', { onLog: (line) => lines.push(line) })
    expect(await child.exited).toMatchObject({ code: 7, signal: null })
    expect(lines).toEqual([String(child.pid), 'home:'])
    expect(child.recentLog()).toBe(lines.join('\n'))
  })

  it('leaves nothing running when it is stopped, and may be stopped twice', async () => {
    const before = (await listOwnChildren()).length
    const child = await firstLine('echo up; exec sleep 60')
    expect((await listOwnChildren()).length).toBe(before + 2)
    expect(await child.stop()).toMatchObject({ signal: 'SIGTERM' })
    await child.stop()
    expect((await listOwnChildren()).length).toBe(before)
  })

  it('is killed where it does not heed the stop signal', async () => {
    const child = await firstLine("trap '' TERM; echo up; while :; do sleep 1; done", { stopGraceMs: 200 })
    expect(await child.stop()).toMatchObject({ signal: 'SIGKILL' })
  })

  it('runs what comes afterwards once it has ended, before its end is told', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'c2d-guarded-'))
    const trace = join(folder, 'trace')
    const child = shell(`sleep 0.3; echo child >>${trace}`, {
      afterwards: ['/bin/sh', '-c', `sleep 0.3; echo afterwards >>${trace}`],
    })
    await child.exited
    expect(await readFile(trace, 'utf8')).toBe('child\nafterwards\n')
    await rm(folder, { recursive: true })
  })

  it('error: a program that does not exist ends with the shell’s word for it', async () => {
    const child = spawnGuarded({ command: '/nowhere/program', args: [], stopSignal: 'SIGTERM' })
    expect(await child.exited).toMatchObject({ code: 127 })
    expect(child.recentLog()).toContain('/nowhere/program')
  })

  it('does not go on without its watchdog', async () => {
    const before = await listOwnChildren()
    const child = await firstLine('echo up; exec sleep 60')
    const watchdog = (await listOwnChildren()).find(
      ({ pid }) => pid !== child.pid && !before.some((known) => known.pid === pid),
    )
    process.kill(watchdog?.pid ?? 0, 'SIGKILL')
    expect(await child.exited).toMatchObject({ signal: 'SIGTERM' })
  })

  it.each([
    ['heeds the signal', 'echo up; exec sleep 60'],
    ['does not heed it', "trap '' TERM; echo up; while :; do sleep 1; done"],
  ])('ends with its parent, however that one ends: a child that %s', async (_title, script) => {
    const folder = await mkdtemp(join(tmpdir(), 'c2d-guarded-'))
    const program = await runProgram(guardian(script, ['/usr/bin/touch', join(folder, 'afterwards')]))
    const pid = Number(await program.said)
    const watchdogs = (await listRunning()).filter(({ parentPid }) => parentPid === program.process.pid)
    expect(watchdogs).toHaveLength(2)
    program.process.kill('SIGKILL')
    expect(await waitUntilGone(pid)).toBeLessThan(5_000)
    for (const watchdog of watchdogs) await waitUntilGone(watchdog.pid)
    expect(await isRunning(pid)).toBe(false)
    expect(await readdir(folder)).toEqual(['afterwards'])
    await rm(folder, { recursive: true })
  })
})
