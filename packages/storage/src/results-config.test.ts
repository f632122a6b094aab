import { Secret, loadConfig } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { buildResultsConfig, formatResultsConfig, parseResultsConfig, resultsSettings } from './results-config.ts'

const schema = z.object(resultsSettings).transform(buildResultsConfig)
const read = (env: Record<string, string>) => loadConfig(schema, env)

const bucket = {
  AWS_BUCKET_OUTPUT: 'results',
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'AKIA',
  AWS_SECRET_ACCESS_KEY: 'the secret',
}

describe('where results go', () => {
  it('a folder alone', () => {
    expect(read({ RESULTS_FOLDER: '/results' })).toEqual({ targets: [{ backend: 'filesystem', root: '/results' }] })
  })

  it("takes the original's variables", () => {
    const { targets } = read({
      ...bucket,
      AWS_BUCKET_ADMINLOGS: 'logs',
      IPFS_OUTPUT: 'http://ipfs:5001',
      IPFS_API_KEY: 'k',
    })
    expect(targets).toEqual([
      {
        backend: 's3',
        bucket: 'results',
        adminlogsBucket: 'logs',
        region: 'eu-central-1',
        prefix: '',
        pathStyle: false,
        credentials: { accessKeyId: 'AKIA', secretAccessKey: expect.any(Secret) },
      },
      { backend: 'ipfs', apiUrl: 'http://ipfs:5001', apiKey: expect.any(Secret) },
    ])
  })

  it('reads the rest of a bucket', () => {
    const { targets } = read({
      ...bucket,
      S3_ENDPOINT: 'http://minio:9000',
      S3_PREFIX: 'c2d/results/',
      S3_ENCRYPTION: 'aws:kms',
      S3_KMS_KEY_ID: 'key-1',
    })
    expect(targets).toEqual([
      expect.objectContaining({
        endpoint: 'http://minio:9000',
        pathStyle: true,
        prefix: 'c2d/results/',
        encryption: { kind: 'aws:kms', keyId: 'key-1' },
      }),
    ])
  })

  it('behaviour: several at once, in the order that is said', () => {
    const env = { RESULTS_FOLDER: '/r', ...bucket, IPFS_OUTPUT: 'http://ipfs:5001' }
    const order = (more: Record<string, string>) => read({ ...env, ...more }).targets.map(({ backend }) => backend)
    expect(order({})).toEqual(['filesystem', 's3', 'ipfs'])
    expect(order({ RESULTS_TARGETS: 'ipfs, s3' })).toEqual(['ipfs', 's3'])
  })

  it.each([
    [{}, /RESULTS_FOLDER: must say where results go/],
    [{ RESULTS_FOLDER: '/r', RESULTS_TARGETS: 's3' }, /RESULTS_TARGETS: must list/],
    [{ RESULTS_FOLDER: '/r', RESULTS_TARGETS: 'filesystem,filesystem' }, /RESULTS_TARGETS: must list/],
    [{ RESULTS_FOLDER: '/r', RESULTS_TARGETS: 'ftp' }, /RESULTS_TARGETS: must list/],
    [{ ...bucket, AWS_SECRET_ACCESS_KEY: '' }, /AWS_SECRET_ACCESS_KEY/],
    [{ ...bucket, S3_PREFIX: 'no-slash' }, /S3_PREFIX: must end in \//],
    [{ ...bucket, S3_ENCRYPTION: 'customer' }, /S3_CUSTOMER_KEY/],
    [{ ...bucket, S3_ENDPOINT: 'ftp://x' }, /S3_ENDPOINT/],
  ])('error: names the variable that is wrong (%j)', (env, message) => {
    expect(() => read(env)).toThrow(message)
  })

  it('behaviour: travels to a step with its keys, and shows them nowhere else', () => {
    const config = read({ ...bucket, IPFS_OUTPUT: 'http://ipfs:5001', IPFS_API_KEY: 'the other secret' })
    expect(JSON.stringify(config)).not.toContain('secret"')
    expect(JSON.stringify(config)).not.toContain('the secret')
    const text = formatResultsConfig(config)
    expect(text).toContain('the secret')
    const there = parseResultsConfig(text)
    expect(there).toEqual(config)
    expect(formatResultsConfig(there)).toBe(text)
  })

  it('behaviour: a step gets the keys that may only put objects, where there are any', () => {
    const config = read({ ...bucket, S3_PUBLISH_ACCESS_KEY_ID: 'AKIP', S3_PUBLISH_SECRET_ACCESS_KEY: 'may only put' })
    const text = formatResultsConfig(config)
    expect(text).toContain('"secretAccessKey":"may only put"')
    expect(text).not.toContain('the secret')
    expect(text).not.toContain('publishCredentials')
    expect(() => read({ ...bucket, S3_PUBLISH_ACCESS_KEY_ID: 'AKIP' })).toThrow(/S3_PUBLISH_SECRET_ACCESS_KEY/)
  })

  it('error: a step refuses what is no configuration', () => {
    expect(() => parseResultsConfig('{"targets":[]}')).toThrow(z.ZodError)
    expect(() => parseResultsConfig('{"targets":[{"backend":"ftp"}]}')).toThrow(z.ZodError)
  })
})
