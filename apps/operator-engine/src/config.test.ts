import { inspect } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { buildAnnouncement } from './announce.ts'
import { readConfig } from './config.ts'

const KEY = `0x${'01'.repeat(32)}`
const base = {
  DATABASE_URL: 'postgres://engine:hunter2@db/operator',
  POD_DATABASE_URL: 'postgres://pod:hunter3@db/operator',
  WORKSPACES_FOLDER: '/w',
  RESULTS_FOLDER: '/r',
  POD_CONFIGURATION_PROGRAM: 'c',
  POD_PUBLISHING_PROGRAM: 'p',
}

describe('readConfig', () => {
  it('reads one environment in the original words, numbers as numbers', () => {
    const { environments } = readConfig({
      ...base,
      OPERATOR_PRIVATE_KEY: KEY,
      nCPU: '2',
      priceMinute: '0.5',
      maxJobs: '3',
    })
    expect(environments).toHaveLength(1)
    expect(environments[0]).toMatchObject({ id: 'ocean-compute', cpuNumber: 2, priceMin: 0.5, maxJobs: 3 })
    expect(environments[0]?.consumerAddress).toBe('0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1')
  })

  it('hands limits of staging on to the configure step, and only those that are set', () => {
    const env = { ...base, ENVIRONMENTS: JSON.stringify([{ id: 'a', privateKey: KEY }]) }
    expect(readConfig(env).staging).toEqual({})
    expect(readConfig({ ...env, MAX_INPUT_BYTES: '1000' }).staging).toEqual({ MAX_INPUT_BYTES: '1000' })
    expect(() => readConfig({ ...env, MAX_INPUT_FILES: 'many' })).toThrow('MAX_INPUT_FILES')
  })

  it('behaviour: neither the printed configuration nor an announcement shows a secret', () => {
    const config = readConfig({ ...base, ENVIRONMENTS: JSON.stringify([{ id: 'a', privateKey: KEY }]) })
    const announced = buildAnnouncement(config.environments[0]!, { currentJobs: 4, derivedAssets: null })
    const shown = inspect(config, { depth: 9 }) + JSON.stringify(config) + JSON.stringify(announced)
    expect(shown).not.toMatch(/hunter|0101/)
    expect(announced).toMatchObject({ id: 'a', currentJobs: 4, maxJobs: 10, maxJobDuration: 60 })
  })

  it('behaviour: an asset of results costs nothing unless the environment says so, and never less', () => {
    const read = (derivedAssets: object) =>
      readConfig({ ...base, ENVIRONMENTS: JSON.stringify([{ id: 'a', privateKey: KEY, derivedAssets }]) })
        .environments[0]!
    expect(read({ maxBytes: 5 }).derivedAssets).toEqual({ maxBytes: 5, price: 0 })
    expect(read({ maxBytes: 5, price: '2.5' }).derivedAssets).toEqual({ maxBytes: 5, price: 2.5 })
    expect(() => read({ maxBytes: 5, price: -1 })).toThrow('price')
    const offer = { chains: [1], freeBytes: 5, price: 2.5 }
    expect(buildAnnouncement(read({ maxBytes: 5 }), { currentJobs: 0, derivedAssets: offer })).toMatchObject({
      derivedAssets: offer,
    })
  })

  it('behaviour: a proof signer is an address and a URL, its token shown nowhere', () => {
    const env = { ...base, ENVIRONMENTS: JSON.stringify([{ id: 'a', privateKey: KEY }]) }
    const signer = { PROOF_SIGNER_URL: 'https://signer.example/sign', PROOF_SIGNER_ADDRESS: `0x${'ab'.repeat(20)}` }
    expect(readConfig(env).proofSigner).toBeUndefined()
    const config = readConfig({ ...env, ...signer, PROOF_SIGNER_TOKEN: 'hunter4' })
    expect(config.proofSigner).toMatchObject({ url: signer.PROOF_SIGNER_URL, timeoutMs: 10_000 })
    expect(inspect(config, { depth: 9 })).not.toContain('hunter4')
    for (const name of ['PROOF_SIGNER_URL', 'PROOF_SIGNER_ADDRESS']) {
      expect(() => readConfig({ ...env, ...signer, [name]: '' })).toThrow(new RegExp(`${name}: a proof signer is`))
    }
  })

  it('error: says every problem at once, and what to do', () => {
    expect(() => readConfig({ WORKSPACES_FOLDER: '/w', ENVIRONMENTS: 'not json' })).toThrow(
      /DATABASE_URL[\s\S]*POD_DATABASE_URL[\s\S]*ENVIRONMENTS: must be JSON/,
    )
    expect(() => readConfig(base)).toThrow(/ENVIRONMENTS: names the environments to serve/)
    expect(() => readConfig({ ...base, OPERATOR_PRIVATE_KEY: KEY, LEASE_SECONDS: '4' })).toThrow(
      /LEASE_SECONDS: must be longer/,
    )
  })
})
