import { describe, expect, it } from '@jest/globals'
import { DEFAULT_PORTS, UsageError } from '../options.ts'
import { choosePorts } from './ports.ts'

function buildProbes(...taken: number[]) {
  let next = 40_000
  return {
    isPortFree: (port: number) => Promise.resolve(!taken.includes(port)),
    findFreePort: () => Promise.resolve(next++),
  }
}

describe('choosing ports', () => {
  it('default: the known ones, and nothing to say', async () => {
    expect(await choosePorts({}, buildProbes())).toEqual({ ports: DEFAULT_PORTS, notes: [] })
  })

  it('behaviour: a default that is taken is replaced by a free one, in one line', async () => {
    const { ports, notes } = await choosePorts({}, buildProbes(8545))
    expect(ports['chain-port']).toBe(40_000)
    expect(notes).toEqual(['port 8545 is taken: chain uses 40000 (--chain-port names another)'])
  })

  it('behaviour: a default that the user gave to another server moves', async () => {
    const { ports } = await choosePorts({ 'operator-port': 8545 }, buildProbes())
    expect(ports).toMatchObject({ 'operator-port': 8545, 'chain-port': 40_000 })
  })

  it('error: a named port that is taken is refused, naming its option and what to do', async () => {
    const choosing = choosePorts({ 'provider-port': 9000 }, buildProbes(9000))
    await expect(choosing).rejects.toThrow(UsageError)
    await expect(choosing).rejects.toThrow(/--provider-port 9000: something listens there already\. End it/)
  })
})
