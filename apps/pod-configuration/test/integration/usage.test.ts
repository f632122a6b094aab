import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'

const POD = fileURLToPath(new URL('../../dist/pod.mjs', import.meta.url))

const run = (args: string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [POD, ...args], { encoding: 'utf8', env })

describe('the pod as a program', () => {
  it('tells its options, whatever else is wrong', () => {
    const { status, stdout, stderr } = run(['--help'], { REQUEST_TIMEOUT: 'soon' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('--step-files FOLDER')
  })

  it.each([
    [['--node', 'http://localhost'], "Unknown option '--node'\n"],
    [[], '--step-files (or STEP_FILES) is needed\n'],
  ])('error: of %j it says one line, and ends with 2', (args, stderr) => {
    expect(run(args)).toMatchObject({ status: 2, stdout: '', stderr })
  })

  it('error: a setting that is none ends it with 2 as well', () => {
    const args = ['--step-files', '/nowhere', '--path', '/nowhere', '--workflowid', 'ab'.repeat(16)]
    const { status, stderr } = run(args, { REQUEST_TIMEOUT: 'soon' })
    expect(status).toBe(2)
    expect(stderr).toContain('REQUEST_TIMEOUT')
    expect(stderr).not.toMatch(/^\s+at /m)
  })
})
