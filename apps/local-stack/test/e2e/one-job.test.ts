import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { programOf } from '../../src/stack/service.ts'
import { runLocalStack, type StackRun } from './local-stack-process.ts'

const STEPS = [
  ...['PostgreSQL', 'chain', 'contracts', 'metadata cache', 'provider', 'operator-service', 'operator-engine'],
  ...['dataset', 'algorithm (node)', 'trusted algorithms', 'tokens for the consumer'],
  ...['environments', 'initializeCompute', 'startOrder on chain', 'computeStart', 'computeStatus until finished'],
  'download every result',
]
/** What the engine has for an orderly end, and a little more. */
const GONE_WITHIN_MS = 20_000

jest.setTimeout(600_000)

describe('npm start', () => {
  let runs: StackRun[]
  let folder: string
  const start = (...args: string[]): StackRun => {
    const run = runLocalStack(...args)
    runs.push(run)
    return run
  }
  beforeEach(async () => {
    runs = []
    folder = await mkdtemp(join(tmpdir(), 'c2d-one-job-'))
  })
  afterEach(async () => {
    for (const run of runs) {
      run.kill('SIGKILL')
      run.family.stop()
    }
    await Promise.all(runs.map(({ exitCode }) => exitCode))
    await rm(folder, { recursive: true, force: true })
  })

  it('behaviour: --once runs one paid job and ends with 0; a second run works at once; nothing is left', async () => {
    const first = start('--once')
    expect([await first.exitCode, first.output()]).toEqual([0, expect.stringContaining('the file: yes')])
    for (const step of STEPS) expect(first.output()).toMatch(new RegExp(`✓ ${step.replace(/[()]/g, '\\$&')} +\\d+ ms`))
    expect(first.output()).toContain('and 0.5 OCEAN for 5 minutes of local-paid')
    expect(first.output()).toContain('"womenEarnPerDollarOfMen": 0.79')

    const second = start('--once', '--algorithm', 'python', '--data', folder)
    expect([await second.exitCode, second.output()]).toEqual([0, expect.stringContaining('the file: yes')])
    expect(second.output()).toContain('"perYearOfEducation": 0.926')

    expect(first.family.size()).toBeGreaterThan(5)
    expect(await first.family.survivors(GONE_WITHIN_MS)).toEqual([])
    expect(await second.family.survivors(GONE_WITHIN_MS)).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  it('behaviour: Ctrl-C while the job runs ends everything', async () => {
    const run = start()
    await run.said(/… computeStatus/)
    run.kill('SIGINT')
    expect(await run.exitCode).toBe(130)
    expect(await run.family.survivors(GONE_WITHIN_MS)).toEqual([])
  })

  it('behaviour: Ctrl-C while the servers start ends everything', async () => {
    const run = start()
    await run.said(/✓ chain/)
    run.kill('SIGINT')
    expect(await run.exitCode).toBe(130)
    expect(await run.family.survivors(GONE_WITHIN_MS)).toEqual([])
  })

  it('behaviour: stays up with its addresses printed until Ctrl-C, which is its orderly end', async () => {
    const run = start()
    await run.said('Ctrl-C stops everything.')
    const provider = /provider +(http:\S+)/.exec(run.output().split('everything is up')[1] ?? '')?.[1] ?? ''
    expect((await fetch(provider)).status).toBe(200)
    run.kill('SIGINT')
    expect(await run.exitCode).toBe(0)
    expect(await run.family.survivors(GONE_WITHIN_MS)).toEqual([])
  })

  it('behaviour: killed outright while the job runs, it leaves no process behind', async () => {
    const run = start('--data', folder)
    await run.said(/… computeStatus/)
    run.kill('SIGKILL')
    await run.exitCode
    expect(await run.family.survivors(GONE_WITHIN_MS)).toEqual([])
  })

  it('behaviour: killed outright while a step hangs, it leaves no step behind either', async () => {
    const run = start('--data', folder)
    await run.said(/… computeStatus/)
    process.kill(await run.family.appeared('step-runner.js'), 'SIGSTOP')
    run.kill('SIGKILL')
    await run.exitCode
    expect(await run.family.survivors(GONE_WITHIN_MS)).toEqual([])
  })

  it('error: a service that dies is named, its last lines are shown, and everything ends with 1', async () => {
    const run = start('--keep', '--data', folder)
    await run.said('Ctrl-C stops everything.')
    process.kill(run.family.pidOf('--enable-source-maps ' + programOf('provider', 'dist/main.js')), 'SIGKILL')
    expect(await run.exitCode).toBe(1)
    expect(run.output()).toContain('provider ended by itself (signal SIGKILL)')
    expect(run.output()).toContain('request answered')
    expect(await run.family.survivors(GONE_WITHIN_MS)).toEqual([])
  })

  it('error: a chain that dies is named, too', async () => {
    const run = start()
    await run.said('Ctrl-C stops everything.')
    process.kill(run.family.pidOf('bin/anvil --host'), 'SIGKILL')
    expect(await run.exitCode).toBe(1)
    expect(run.output()).toContain('chain ended by itself')
    expect(await run.family.survivors(GONE_WITHIN_MS)).toEqual([])
  })

  it('behaviour: without a reader it ends, and cleans up, instead of going on unseen', async () => {
    const run = start('--keep', '--data', folder)
    await run.said(/✓ chain/)
    run.stopReading()
    expect(await run.exitCode).toBe(130)
    expect(await run.family.survivors(GONE_WITHIN_MS)).toEqual([])
  })

  it('error: a named port that is taken ends with 2, naming the option', async () => {
    const squatter = createServer()
    const port = await new Promise<number>((resolve) => {
      squatter.listen(0, '127.0.0.1', () => resolve((squatter.address() as { port: number }).port))
    })
    try {
      const run = start('--once', '--provider-port', String(port))
      expect(await run.exitCode).toBe(2)
      expect(run.output()).toContain(`--provider-port ${port}: something listens there already.`)
    } finally {
      squatter.close()
    }
  })

  it('error: an unknown option ends with 2, with the usage', async () => {
    const run = start('--oncee')
    expect(await run.exitCode).toBe(2)
    expect(run.output()).toContain("Unknown option '--oncee'")
    expect(run.output()).toContain('Usage: npm start')
  })
})
