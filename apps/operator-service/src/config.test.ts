import { describe, expect, it } from '@jest/globals'
import { readConfig } from './config.ts'

const provider = '0xe08A1dAe983BC701D05E492DB80e0144f8f4b909'
const minimal = { DATABASE_URL: 'postgres://a:b@c/d', RESULTS_FOLDER: '/results', ALLOWED_PROVIDERS: provider }

describe('readConfig', () => {
  it('default: requires signatures, listens as the reference does', () => {
    expect(readConfig(minimal)).toMatchObject({
      isSignatureRequired: true,
      allowedProviders: [provider],
      host: '0.0.0.0',
      port: 8050,
      info: { address: null, algoTimeLimit: null, storageExpiry: null },
    })
  })

  it('behaviour: reads the names of the reference', () => {
    const config = readConfig({
      RESULTS_FOLDER: '/results',
      POSTGRES_HOST: 'db',
      POSTGRES_USER: 'u@x',
      POSTGRES_PASSWORD: 'p/w',
      POSTGRES_DB: 'ocean',
      OPERATOR_URL: 'http://127.0.0.1:0',
      ALLOWED_PROVIDERS: `["${provider}"]`,
      SIGNATURE_REQUIRED: '0',
      ALLOWED_ADMINS: '["one","two"]',
      ALGO_POD_TIMEOUT: '3600',
    })
    expect(config.databaseUrl.reveal()).toBe('postgres://u%40x:p%2Fw@db:5432/ocean')
    expect(config).toMatchObject({ host: '127.0.0.1', port: 0, isSignatureRequired: false })
    expect(config.allowedAdmins.map((secret) => secret.reveal())).toEqual(['one', 'two'])
    expect(config.info.algoTimeLimit).toBe('3600')
    expect(JSON.stringify(config)).not.toContain('p%2Fw')
  })

  it('behaviour: origins of adopted results are origins, and none by default', () => {
    const read = (origins: string): string[] => readConfig({ ...minimal, RESULT_ORIGINS: origins }).resultOrigins
    expect(readConfig(minimal).resultOrigins).toEqual([])
    expect(read('https://Bucket.example, http://10.0.0.5:9000/')).toEqual([
      'https://bucket.example',
      'http://10.0.0.5:9000',
    ])
    for (const wrong of ['https://bucket.example/folder', 'ftp://bucket.example', '*', 'https://key@bucket.example']) {
      expect(() => read(wrong)).toThrow('RESULT_ORIGINS')
    }
  })

  it('error: names everything that is wrong at once', () => {
    expect(() => readConfig({ ...minimal, ALLOWED_PROVIDERS: '["0x1"]', SIGNATURE_REQUIRED: 'maybe' })).toThrow(
      /ALLOWED_PROVIDERS[\s\S]*SIGNATURE_REQUIRED/,
    )
    expect(() => readConfig({ RESULTS_FOLDER: '/r' })).toThrow(/ALLOWED_PROVIDERS[\s\S]*DATABASE_URL/)
    expect(() => readConfig({ MAX_BODY_BYTES: 'x', S3_PREFIX: 'x' })).toThrow(
      /MAX_BODY_BYTES[\s\S]*ALLOWED_PROVIDERS: must name[\s\S]*DATABASE_URL: is needed, or[\s\S]*RESULTS_FOLDER: must say/,
    )
    expect(() => readConfig({ ...minimal, ALLOWED_PROVIDERS: '[1' })).toThrow('must be a JSON array')
  })
})
