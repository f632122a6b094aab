import { Readable } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { AppError } from '@c2d/runtime'
import type { ConsumerTarget } from '@c2d/storage'
import { createOutputDelivery } from './deliver-output.ts'

const down = () => new AppError('UpstreamUnavailable', { detail: 'The storage answered 503.' })
const refused = () => new AppError('NotAllowed', { detail: 'The storage answered 403.' })

/** Delivers to a storage that fails as it is told to, then takes everything. */
function deliverTo(failures: (Error | null)[], keepsCopy = true) {
  const asked: string[] = []
  const target: ConsumerTarget = {
    put: ({ path }) => {
      asked.push(path)
      const failure = failures.shift()
      return failure ? Promise.reject(failure) : Promise.resolve({ sizeBytes: 4, sha256: 'abc' })
    },
  }
  const said: string[] = []
  const deliver = createOutputDelivery({ target, keepsCopy }, { say: (line) => said.push(line), pausesMs: [1, 1] })
  const file = (path: string) => ({ path, sizeBytes: 4, open: () => Promise.resolve(Readable.from(['a,b\n'])) })
  return { asked, said, deliver: (path = 'outputs/a') => deliver(file(path)) }
}

describe('delivering an output', () => {
  it('default: what arrived is told, and kept as well', async () => {
    const { deliver, said } = deliverTo([])
    expect(await deliver()).toEqual({ row: { delivered: true, sha256: 'abc' }, sizeBytes: 4, isKept: true })
    expect(said).toEqual(['Delivered outputs/a: 4 bytes, SHA-256 abc'])
  })

  it('behaviour: without a wish for a copy the operator keeps none', async () => {
    expect(await deliverTo([], false).deliver()).toMatchObject({ isKept: false })
  })

  it('behaviour: logs of ours go nowhere, the algorithm’s goes along', async () => {
    const { deliver, asked } = deliverTo([])
    expect(await deliver('adminlogs/configure.log')).toEqual({ row: {}, sizeBytes: null, isKept: true })
    await deliver('logs/algorithm.log')
    expect(asked).toEqual(['logs/algorithm.log'])
  })

  it('behaviour: what fails for now is tried again', async () => {
    const { deliver, asked } = deliverTo([down(), down()])
    expect(await deliver()).toMatchObject({ row: { delivered: true } })
    expect(asked).toHaveLength(3)
  })

  it('error: what is refused is not; it is kept, whoever asked for no copy, and its row says why', async () => {
    const { deliver, asked, said } = deliverTo([refused()], false)
    expect(await deliver()).toEqual({
      row: { deliveryFailure: 'The storage answered 403.' },
      sizeBytes: null,
      isKept: true,
    })
    expect(asked).toHaveLength(1)
    expect(said).toEqual(['Could not deliver outputs/a: The storage answered 403.'])
  })

  it('error: a storage that is down does not hold up thousands of files', async () => {
    const { deliver, asked } = deliverTo(Array.from({ length: 12 }, down))
    for (let i = 0; i < 100; i++) expect((await deliver()).row.deliveryFailure).toBeDefined()
    expect(asked).toHaveLength(12)
  })
})
