import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createResultStores, type ResultStores } from './result-stores.ts'

const JOB = 'a'.repeat(32)
let root: string
let stores: ResultStores

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'c2d-stores-'))
  stores = createResultStores({ targets: [{ backend: 'filesystem', root }] })
})
afterEach(() => rm(root, { recursive: true, force: true }))

const put = async (): Promise<string> => {
  const stored = await stores.targets[0]?.store.put(JOB, 'outputs/a', Readable.from([Buffer.from('x')]))
  return stored?.url ?? ''
}

describe('the places of a configuration', () => {
  it('error: results in a place that it names no longer are not said to be removed, and the others are', async () => {
    const urls = [await put(), `s3:${JOB}/outputs/a`]
    await expect(stores.remove(JOB, urls)).rejects.toMatchObject({
      code: 'NotFound',
      detail: 'Some results lie in s3, which is not configured (any more).',
    })
    expect(await readdir(root)).toEqual([])
  })

  it('behaviour: addresses that are none of ours, as an adopted database has them, hold nothing up', async () => {
    const urls = [await put(), 'https://bucket.s3.amazonaws.com/a', `s3:${'b'.repeat(32)}/outputs/a`, '']
    await stores.remove(JOB, urls)
    expect(await readdir(root)).toEqual([])
  })
})
