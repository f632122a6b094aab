import { afterAll, beforeAll, describe, jest } from '@jest/globals'
import { startStack } from '../../src/stack/start-stack.ts'
import { describeCompute } from '../stories/compute-story.ts'
import { describeDerivedAsset } from '../stories/derived-asset-story.ts'
import { findStackPorts } from '../stories/find-stack-ports.ts'
import { createStoryWorld, type StoryWorld } from '../stories/story-world.ts'

jest.setTimeout(600_000)

describe('ocean.js, with jobs as processes', () => {
  let world: StoryWorld
  const here = (): StoryWorld => world
  beforeAll(async () => {
    const ports = await findStackPorts()
    world = await createStoryWorld((options) => startStack({ ...options, ports, path: process.env['PATH'] ?? '' }))
  })
  afterAll(() => world.close())

  describe('a consumer', () => {
    describeCompute(here)
  })
  describe('results that become an asset', () => {
    describeDerivedAsset(here)
  })
})
