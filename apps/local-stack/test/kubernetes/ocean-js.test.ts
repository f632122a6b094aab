import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { describeCompute } from '../stories/compute-story.ts'
import { describeDerivedAsset } from '../stories/derived-asset-story.ts'
import { createClusterStack, type ClusterStack, type Store } from './support/cluster-stack.ts'
import { provideSystemImages, type SystemImages } from './support/images.ts'

const BUILD_MS = 40 * 60_000
const EMPTY_MS = 300_000

jest.setTimeout(600_000)

let images: SystemImages
beforeAll(async () => {
  images = await provideSystemImages()
}, BUILD_MS)

describe.each<Store>(['s3', 'ipfs'])('ocean.js, with jobs on the cluster and results in %s', (store) => {
  let stack: ClusterStack | undefined
  const here = (): ClusterStack => {
    if (!stack) throw new Error('the stack did not start')
    return stack
  }
  beforeAll(async () => {
    stack = await createClusterStack(store, images)
  })
  afterAll(async () => {
    await stack?.close()
  })

  describe('a consumer', () => {
    describeCompute(here)
  })
  describe('results that become an asset', () => {
    describeDerivedAsset(here)
  })

  it('behaviour: every algorithm was sealed, and no pod is left', async () => {
    const { job } = await here().run()
    expect(job.isolation).toMatchObject({ sealed: true, egress: 'none' })
    const giveUpAtMs = Date.now() + EMPTY_MS
    while ((await here().namespace.listPods()).length > 0 && Date.now() < giveUpAtMs) {
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    expect(await here().namespace.listPods()).toEqual([])
  })
})
