import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { S3File } from '@c2d/contracts'
import { createS3Signer } from './s3-signer.ts'

const sign = createS3Signer()
const s3File = (over: Partial<S3File> = {}): S3File => ({
  type: 's3',
  region: 'eu-west-1',
  bucket: 'data',
  objectKey: 'folder/wages 1985.csv',
  ...over,
})
const THEIRS = { accessKeyId: 'THEIRS', secretAccessKey: 'their secret' }
const OURS = {
  AWS_ACCESS_KEY_ID: 'OURS',
  AWS_SECRET_ACCESS_KEY: 'our secret',
  AWS_SESSION_TOKEN: 'our token',
  AWS_REGION: 'ours',
  AWS_ENDPOINT_URL_S3: 'http://ours.example',
}

describe('S3 signer', () => {
  beforeEach(() => {
    Object.assign(process.env, OURS)
  })
  afterEach(() => {
    for (const name of Object.keys(OURS)) Reflect.deleteProperty(process.env, name)
  })

  it('signs with the keys of the file, for its region', async () => {
    const { url, headers } = await sign(s3File(THEIRS))
    expect(url).toBe('https://data.s3.eu-west-1.amazonaws.com/folder/wages%201985.csv?x-id=GetObject')
    expect(headers['authorization']).toMatch(/^AWS4-HMAC-SHA256 Credential=THEIRS\/\d{8}\/eu-west-1\/s3\/aws4_request/)
  })

  it('asks the endpoint of the file, with the bucket in the path where it says so', async () => {
    const { url } = await sign(s3File({ ...THEIRS, endpoint: 'http://s3.example:9000/base', forcePathStyle: true }))
    expect(url).toBe('http://s3.example:9000/base/data/folder/wages%201985.csv?x-id=GetObject')
  })

  it.each([
    ['without keys', {}],
    ['with keys', THEIRS],
  ])("behaviour: nothing of this process's own settings goes with a file %s", async (_what, keys) => {
    const request = JSON.stringify(await sign(s3File(keys)))
    expect(request).not.toMatch(/ours|our token/i)
    expect(request.includes('authorization')).toBe('accessKeyId' in keys)
  })

  it('behaviour: a file without keys needs none of this process either', async () => {
    for (const name of Object.keys(OURS)) Reflect.deleteProperty(process.env, name)
    expect((await sign(s3File())).headers).not.toHaveProperty('authorization')
  })

  it.each([['../other/secret.csv'], ['a/./b']])(
    'error: a key that a web address cannot hold is refused (%s)',
    async (objectKey) => {
      const file = s3File({ objectKey, endpoint: 'http://s3.example', forcePathStyle: true })
      await expect(sign(file)).rejects.toMatchObject({ code: 'FilesUnavailable' })
    },
  )

  it.each([['data--usw2-az1--x-s3'], ['data']])('behaviour: signing asks nobody (bucket %s)', async (bucket) => {
    let asked = 0
    const listener = createServer((_request, response) => {
      asked++
      response.end()
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const { port } = listener.address() as AddressInfo
    await sign(s3File({ ...THEIRS, bucket, endpoint: `http://127.0.0.1:${port}`, forcePathStyle: true }))
    expect(asked).toBe(0)
    await new Promise((resolve) => listener.close(resolve))
  })
})
