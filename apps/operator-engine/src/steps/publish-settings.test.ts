import { describe, expect, it } from '@jest/globals'
import { buildStoredWorkflow } from '../testing/build-job-row.ts'
import { buildStepPublish, publishSettingsSchema } from './publish-settings.ts'

const settings = (over: object = {}) => ({ publish: publishSettingsSchema.parse(over), diskGB: 2 })

describe('buildStepPublish', () => {
  it('allows what fits into the workspace, as single files', () => {
    expect(buildStepPublish(settings(), buildStoredWorkflow())).toEqual({
      maxFiles: 10_000,
      maxFileBytes: 2 * 1024 ** 3,
      maxTotalBytes: 2 * 1024 ** 3,
      archive: 'none',
      manifest: false,
    })
  })

  it('behaviour: a workflow chooses the form, and nothing else', () => {
    const workflow = buildStoredWorkflow()
    workflow.spec.metadata.stages[0]!.output = { archive: 'instead', manifest: true, maxFiles: 9_999_999 }
    expect(buildStepPublish(settings({ maxFiles: 5, allowedTypes: ['.csv'] }), workflow)).toMatchObject({
      maxFiles: 5,
      allowedTypes: ['.csv'],
      archive: 'instead',
      manifest: true,
    })
  })

  it('behaviour: what a workflow asks for badly, the environment decides', () => {
    const workflow = buildStoredWorkflow()
    workflow.spec.metadata.stages[0]!.output = { archive: '../../etc', manifest: 'yes' }
    expect(buildStepPublish(settings({ archive: 'beside' }), workflow)).toMatchObject({
      archive: 'beside',
      manifest: false,
    })
    expect(buildStepPublish(settings(), null)).toMatchObject({ archive: 'none' })
  })

  it('error: more rows than a report holds are no setting', () => {
    expect(() => settings({ maxFiles: 20_001 })).toThrow()
  })
})
