import { describe, expect, it } from '@jest/globals'
import { parsePodOptions } from './pod-options.ts'
import { UsageError } from './usage-error.ts'

const jobId = 'ab'.repeat(16)

describe('the command line of a pod', () => {
  it('says where the step is', () => {
    const args = ['--step-files', '/step', '--path', '/data', '--workflowid', jobId, '--verbose']
    expect(parsePodOptions(args, {})).toEqual({ stepFiles: '/step', volume: '/data', jobId })
  })

  it('default: folders are those of the environment', () => {
    const env = { STEP_FILES: '/step', VOLUME: '/data' }
    expect(parsePodOptions(['--workflowid', jobId], env)).toEqual({ stepFiles: '/step', volume: '/data', jobId })
  })

  it('behaviour: asks for help, whatever else is missing', () => {
    expect(parsePodOptions(['-h'], {})).toBeNull()
  })

  it.each([
    [['--workflow', '/workflow.json'], "Unknown option '--workflow'"],
    [['--path'], "Option '--path <value>' argument missing"],
    [['more'], "Unexpected argument 'more'"],
    [['--path', '/data', '--workflowid', jobId], '--step-files (or STEP_FILES) is needed'],
    [['--step-files', '/step', '--workflowid', jobId], '--path (or VOLUME) is needed'],
    [['--step-files', '/step', '--path', '/data'], '--workflowid must be the id of a job'],
    [['--step-files', '/step', '--path', '/data', '--workflowid', '../x'], '--workflowid must be the id of a job'],
  ])('error: %j is refused in one line', (args, message) => {
    const parse = () => parsePodOptions(args, {})
    expect(parse).toThrow(UsageError)
    expect(parse).toThrow(message)
    expect(parse).not.toThrow(/\n/)
  })
})
