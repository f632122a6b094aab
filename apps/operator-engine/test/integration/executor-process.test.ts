import { spawn } from 'node:child_process'
import { mkdir, readFile, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Executor, StepSpec } from '../../src/executor/executor.ts'
import { detectSandbox } from '../../src/executor/sandbox/detect-sandbox.ts'
import { buildJobId, buildStep, waitForEnd, waitUntil } from './executor-conformance.ts'
import type { ProcessSetup } from './executor-process-setup.ts'
import { compileProgram, countProcesses, setUpProcess } from './executor-process-setup.ts'
import { SANDBOXES_HERE } from './sandboxes-here.ts'

const buildProgram = (code: string, rest: Partial<StepSpec> = {}): StepSpec => ({
  ...buildStep(''),
  kind: 'program',
  command: ['node', '-e', code],
  ...rest,
})

describe.each(SANDBOXES_HERE)('process executor with %s: what only it promises', (kind) => {
  let setup: ProcessSetup
  let executor: Executor
  const jobs: string[] = []

  const prepareJob = async () => {
    const jobId = buildJobId()
    jobs.push(jobId)
    await executor.prepare(jobId)
    return jobId
  }
  const inJob = (jobId: string, ...path: string[]) => join(setup.root, jobId, ...path)
  const readRunnerPid = async (jobId: string, step: string) => {
    const record = JSON.parse(await readFile(inJob(jobId, 'control', step, 'started.json'), 'utf8')) as {
      runner: { pid: number }
    }
    return record.runner.pid
  }

  beforeAll(async () => {
    setup = await setUpProcess(await detectSandbox({ allowUnsandboxed: false, kinds: [kind] }))
    executor = await setup.makeExecutor()
  })
  afterEach(async () => {
    for (const jobId of jobs.splice(0)) await executor.remove(jobId)
  })
  afterAll(async () => {
    await executor.close()
    await setup.close()
  })

  it('behaviour: a step outlives an engine that is killed, runs once, and keeps its exit code', async () => {
    const jobId = await prepareJob()
    const folder = setup.folder
    const module = await compileProgram('process/create-process-executor.ts', folder)
    const detect = await compileProgram('sandbox/detect-sandbox.ts', folder)
    const step = buildStep('echo run >> /data/outputs/count; sleep 4; exit 23')
    const engine = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { createProcessExecutor } = await import(${JSON.stringify(module)})
         const { detectSandbox } = await import(${JSON.stringify(detect)})
         const sandbox = await detectSandbox({ allowUnsandboxed: false, kinds: [${JSON.stringify(kind)}] })
         const options = { root: ${JSON.stringify(setup.root)}, sandbox, interpreters: [], runnerPath: ${JSON.stringify(setup.runnerPath)} }
         const executor = await createProcessExecutor(options)
         await executor.start(${JSON.stringify(jobId)}, 'algorithm', ${JSON.stringify(step)})
         console.log('started')
         setInterval(() => {}, 1000)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    for await (const part of engine.stdout) if (String(part).includes('started')) break
    engine.kill('SIGKILL')
    expect((await executor.observe(jobId)).steps.algorithm.phase).toBe('running')
    await executor.start(jobId, 'algorithm', step)
    expect(await waitForEnd(executor, jobId)).toMatchObject({ exitCode: 23, reason: null })
    expect(await readFile(inJob(jobId, 'data', 'outputs', 'count'), 'utf8')).toBe('run\n')
  })

  it('behaviour: when its runner is killed the algorithm dies with it, and the step is lost', async () => {
    const jobId = await prepareJob()
    const token = `orphan_${buildJobId()}`
    await executor.start(jobId, 'algorithm', buildStep(`trap '' TERM HUP; : ${token}; while :; do sleep 1; done`))
    await waitUntil(async () => (await countProcesses(token)) > 1)
    process.kill(await readRunnerPid(jobId, 'algorithm'), 'SIGKILL')
    // Before anybody looks at the step.
    await waitUntil(async () => (await countProcesses(token)) === 0)
    const ended = await waitForEnd(executor, jobId)
    expect(ended).toMatchObject({ exitCode: null, reason: 'Lost' })
    expect((await executor.observe(jobId)).steps.algorithm).toEqual(ended)
    await executor.start(jobId, 'algorithm', buildStep('echo again > /data/outputs/again'))
    expect(await readdir(inJob(jobId, 'data', 'outputs'))).toEqual([])
  })

  it('behaviour: when its runner is killed a program dies too, with its children', async () => {
    const jobId = await prepareJob()
    const token = `orphan_${buildJobId()}`
    const code = `require('child_process').spawn('sh', ['-c', ': ${token}; sleep 60; :']); setInterval(() => {}, 1000)`
    await executor.start(jobId, 'configure', buildProgram(code))
    await waitUntil(async () => (await countProcesses(token)) > 1)
    process.kill(await readRunnerPid(jobId, 'configure'), 'SIGKILL')
    expect(await waitForEnd(executor, jobId, 'configure')).toMatchObject({ reason: 'Lost' })
    expect(await countProcesses(token)).toBe(0)
  })

  it('behaviour: a runner that somebody else ends does not look like a stop that was asked for', async () => {
    const jobId = await prepareJob()
    await executor.start(jobId, 'algorithm', buildStep('sleep 60'))
    process.kill(await readRunnerPid(jobId, 'algorithm'), 'SIGTERM')
    expect(await waitForEnd(executor, jobId)).toMatchObject({ reason: 'Lost' })
  })

  it('behaviour: a program gets its own environment, its private files for as long as it runs, and the real volume', async () => {
    const jobId = await prepareJob()
    process.env['ENGINE_SECRET'] = 'must-not-travel'
    const code = `const fs = require('fs')
      console.log(JSON.stringify({ env: process.env, cwd: process.cwd(), file: fs.readFileSync(process.env.STEP_FILES + '/workflow.json', 'utf8') }))
      fs.writeFileSync(process.env.VOLUME + '/inputs/x', 'staged')`
    const step = buildProgram(code, { env: { WORKFLOWID: jobId }, files: { 'workflow.json': '{"a":1}' } })
    await executor.start(jobId, 'configure', step)
    expect(await waitForEnd(executor, jobId, 'configure')).toMatchObject({ exitCode: 0, reason: null })
    delete process.env['ENGINE_SECRET']
    const said = JSON.parse(await text(executor.logs(jobId, 'configure'))) as Record<string, unknown>
    expect(said).toMatchObject({
      cwd: inJob(jobId),
      file: '{"a":1}',
      env: { WORKFLOWID: jobId, VOLUME: inJob(jobId, 'data') },
    })
    expect(Object.keys(said['env'] as object).sort()).toEqual([
      'C2D_STEP_MARK',
      'PATH',
      'STEP_FILES',
      'VOLUME',
      'WORKFLOWID',
    ])
    await expect(stat(inJob(jobId, 'control', 'configure', 'files'))).rejects.toThrow('ENOENT')
    expect(await readFile(inJob(jobId, 'data', 'adminlogs', 'configure.log'), 'utf8')).toContain('"file"')
    expect(await readFile(inJob(jobId, 'data', 'inputs', 'x'), 'utf8')).toBe('staged')
  })

  it('error: a private file cannot be placed outside its folder', async () => {
    const jobId = await prepareJob()
    await executor.start(jobId, 'configure', buildProgram('', { files: { '../x': '' } }))
    expect(await waitForEnd(executor, jobId, 'configure')).toMatchObject({ reason: 'StartFailed' })
  })

  it('error: a sandbox that cannot be built says why, and is not the algorithm failing', async () => {
    const jobId = await prepareJob()
    await rename(inJob(jobId, 'data', 'ddos'), inJob(jobId, 'data', 'elsewhere'))
    await executor.start(jobId, 'algorithm', buildStep('echo ran'))
    const ended = await waitForEnd(executor, jobId)
    expect(ended.reason).toBe('StartFailed')
    expect(ended.message).toMatch(/ddos/)
  })

  it.each(['node', 'python3', 'python'])('behaviour: runs an algorithm in %s of this machine', async (interpreter) => {
    const jobId = await prepareJob()
    const code =
      interpreter === 'node'
        ? 'console.log(6 * 7)'
        : 'import json, ssl, hashlib, multiprocessing\nmultiprocessing.Lock()\nprint(6 * 7)'
    await writeFile(inJob(jobId, 'data', 'transformations', 'algorithm'), code)
    await executor.start(jobId, 'algorithm', buildStep(`${interpreter} /data/transformations/algorithm`))
    const ended = await waitForEnd(executor, jobId)
    expect(await text(executor.logs(jobId, 'algorithm'))).toBe('42\n')
    expect(ended).toMatchObject({ exitCode: 0, reason: null })
  })

  it('behaviour: what an algorithm leaves is readable, and leads nowhere else', async () => {
    const jobId = await prepareJob()
    const secret = join(setup.folder, 'secret')
    await writeFile(secret, 'secret')
    const script = `cd /data/outputs; echo fine > result; ln -s result same; ln -s ${JSON.stringify(secret)} stolen; ln -s ../../control up
      mkdir deep; ln -s / deep/root; mkfifo pipe; echo closed > closed; chmod 0 closed; chmod u+s result
      ln -s /etc/shadow /data/logs/shadow; rm -f /data/logs/algorithm.log; echo still`
    await executor.start(jobId, 'algorithm', buildStep(script))
    expect(await waitForEnd(executor, jobId)).toMatchObject({ exitCode: 0, reason: null })
    expect((await readdir(inJob(jobId, 'data', 'outputs'))).sort()).toEqual(['closed', 'deep', 'result', 'same'])
    expect(await readdir(inJob(jobId, 'data', 'outputs', 'deep'))).toEqual([])
    expect(await readdir(inJob(jobId, 'data', 'logs'))).toEqual(['algorithm.log'])
    expect(await readFile(inJob(jobId, 'data', 'logs', 'algorithm.log'), 'utf8')).toContain('still')
    expect(await readFile(inJob(jobId, 'data', 'outputs', 'closed'), 'utf8')).toBe('closed\n')
    expect((await stat(inJob(jobId, 'data', 'outputs', 'result'))).mode & 0o6000).toBe(0)
  })

  it('behaviour: a hint that came after the removal is listed, and removed', async () => {
    const jobId = buildJobId()
    await writeFile(join(setup.root, '.events', jobId), '')
    expect(await executor.list()).toContain(jobId)
    await executor.remove(jobId)
    expect(await executor.list()).not.toContain(jobId)
  })

  it('behaviour: a removal that was cut off is finished by the next executor', async () => {
    const jobId = buildJobId()
    await mkdir(join(setup.root, `.removing-${jobId}-x`, 'data'), { recursive: true })
    await symlink(setup.folder, join(setup.root, `.removing-${jobId}-x`, 'data', 'link'))
    const next = await setup.makeExecutor()
    expect((await readdir(setup.root)).filter((name) => name.startsWith('.removing'))).toEqual([])
    expect((await stat(setup.folder)).isDirectory()).toBe(true)
    await next.close()
  })
})
