import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ask, send } from './support/api.ts'
import { CONTAINER } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

const PATH = '/api/services/validateContainer'

describe('validating a container section', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack()
  })
  afterAll(() => stack.close())

  it('echoes one that a start would accept, as it was sent', async () => {
    const container = { ...CONTAINER, image: 'registry.example/team/node', additional: [1, { two: 2 }] }
    const answer = await send(stack, 'POST', PATH, container)
    expect([answer.status, answer.json]).toEqual([200, container])
    const { tag: _none, ...untagged } = CONTAINER
    expect((await send(stack, 'POST', PATH, untagged)).status).toBe(200)
  })

  it.each<[string, unknown, string]>([
    ['no image', { ...CONTAINER, image: undefined }, 'missing_entrypoint_image_checksum'],
    ['an empty entrypoint', { ...CONTAINER, entrypoint: '' }, 'missing_entrypoint_image_checksum'],
    ['no checksum', { ...CONTAINER, checksum: null }, 'missing_entrypoint_image_checksum'],
    ['a checksum of another kind', { ...CONTAINER, checksum: `md5:${'8'.repeat(32)}` }, 'checksum_prefix'],
    ['an image that is no text', { ...CONTAINER, image: { name: 'node' } }, 'missing_entrypoint_image_checksum'],
    ['nothing', {}, 'missing_entrypoint_image_checksum'],
    ['a list', [CONTAINER], 'missing_entrypoint_image_checksum'],
    ['a text', '"sha256:"', 'missing_entrypoint_image_checksum'],
  ])('error: %s', async (_name, container, error) => {
    const answer = await send(stack, 'POST', PATH, container)
    expect([answer.status, answer.json]).toEqual([400, { error }])
  })

  it('error: no JSON at all', async () => {
    expect((await ask(stack, 'POST', PATH)).json).toEqual({ error: 'missing_entrypoint_image_checksum' })
    expect((await send(stack, 'POST', PATH, '{')).status).toBe(400)
    expect((await ask(stack, 'GET', PATH)).status).toBe(405)
  })
})
