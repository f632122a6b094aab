import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startFakeProvider } from './support/fake-provider.ts'
import { createPodWorld } from './support/pod-world.ts'
import { DATA, stageOf, TX } from './support/staging-world.ts'

let world: Awaited<ReturnType<typeof createPodWorld>>
beforeAll(async () => {
  world = await createPodWorld()
})
afterAll(() => world.close())

describe('words of a provider', () => {
  it('error: that no database takes, and that end lines, are told in words that can be kept', async () => {
    const refusal = `no\u0000\u001b[31m\nDownloaded file 0 ${'x'.repeat(500 - 27)}🧪🧪`
    const provider = await startFakeProvider({ [`${DATA}|svc`]: { files: ['a'], refusal } })
    const service = { did: DATA, serviceId: 'svc', txId: TX }
    const stage = stageOf({})
    stage.input = [{ id: DATA, remote: { ...service, serviceEndpoint: provider.url } }]
    const { job, output, events } = await world.run(stage, {
      env: { OUTBOUND_ALLOW: new URL(provider.url).host },
      tokens: [{ ...service, token: 'token' }],
    })
    await provider.close()
    expect(job).toMatchObject({ status: 31, reason: 'InputFetchFailed' })
    expect(output).not.toMatch(/^Downloaded file 0/m)
    expect(output + JSON.stringify(events)).not.toMatch(/[^\P{Cc}\n]|\p{Cs}/u)
    expect(events.at(-1)?.detail).toMatchObject({ message: expect.stringContaining('download: no') })
  })
})
