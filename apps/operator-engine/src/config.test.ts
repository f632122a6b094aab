import { inspect } from 'node:util'
import { ConfigError } from '@c2d/runtime'
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

  /** What is said of wrong settings, a line each. */
  const problemsOf = (env: Record<string, string>): string[] => {
    try {
      readConfig(env)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return error.message.split('\n').slice(1)
    }
    return []
  }

  it('error: rules about several settings are told together with what is wrong with single ones', () => {
    const problems = problemsOf({
      ...base,
      ...{ POD_DATABASE_URL: '', HEALTH_PORT: 'x', ENVIRONMENTS: 'not json', EXECUTOR: 'kubernetes' },
      ...{ LEASE_SECONDS: '4', PROOF_SIGNER_URL: 'https://signer.example', RESULTS_TARGETS: 's3' },
    })
    for (const wanted of [
      'POD_DATABASE_URL: is needed',
      'HEALTH_PORT: ',
      'ENVIRONMENTS: must be JSON',
      'LEASE_SECONDS: must be longer than TICK_SECONDS',
      'PROOF_SIGNER_ADDRESS: a proof signer is',
      'RESULTS_TARGETS: must list',
      'SEAL_CANARY: must say',
    ]) {
      expect(problems).toContainEqual(expect.stringContaining(wanted))
    }
    expect(problems).toHaveLength(7)
    expect(problemsOf({ DATABASE_URL: 'x', TICK_SECONDS: 'x', LEASE_SECONDS: '1' }).join()).not.toMatch(
      /must be longer/,
    )
  })

  it('error: of an environment in the original words, by the names of its variables', () => {
    const problems = problemsOf({ ...base, OPERATOR_PRIVATE_KEY: '0xbad', maxJobs: 'many', priceMinute: '-1' })
    expect(problems).toEqual([
      expect.stringContaining('OPERATOR_PRIVATE_KEY: must be a private key'),
      expect.stringContaining('priceMinute: '),
      expect.stringContaining('maxJobs: '),
    ])
  })

  it('error: a key that is no number of the curve, and shows it nowhere', () => {
    const zero = `0x${'00'.repeat(32)}`
    expect(problemsOf({ ...base, OPERATOR_PRIVATE_KEY: zero, MAX_QUEUE_SECONDS: 'x' })).toEqual([
      expect.stringContaining('MAX_QUEUE_SECONDS'),
      expect.stringMatching(/OPERATOR_PRIVATE_KEY: must be a private key(?!.*0000)/),
    ])
    expect(problemsOf({ ...base, ENVIRONMENTS: JSON.stringify([{ id: 'a', privateKey: zero }]) })).toEqual([
      expect.stringContaining('ENVIRONMENTS.0.privateKey: must be a private key'),
    ])
  })

  it('error: two environments of one name', () => {
    const twice = ['a', 'b', 'a'].map((id) => ({ id, privateKey: KEY }))
    expect(problemsOf({ ...base, ENVIRONMENTS: JSON.stringify(twice) })).toEqual([
      expect.stringContaining('ENVIRONMENTS: names a more than once'),
    ])
  })

  it('takes log levels as the original writes them', () => {
    const env = { ...base, OPERATOR_PRIVATE_KEY: KEY }
    expect(readConfig({ ...env, LOG_LEVEL: 'DEBUG' }).logLevel).toBe('debug')
    expect(problemsOf({ ...env, LOG_LEVEL: 'loud' })).toEqual([expect.stringContaining('LOG_LEVEL: ')])
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
