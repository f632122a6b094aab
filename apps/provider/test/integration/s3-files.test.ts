import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sha256Hex } from '@c2d/chain'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { orderAccess, signedDownload, type OrderedAccess } from './support/access.ts'
import { ask, query, send, type Answer } from './support/api.ts'
import { openS3Server, type S3FileObject, type S3Server } from './support/s3-server.ts'
import { startStack, type Stack } from './support/stack.ts'

const CONTENT = 'name,age\nada,36\ngrace,45\n'

describe('files in a bucket', () => {
  let server: S3Server
  let stack: Stack
  let file: S3FileObject
  let access: OrderedAccess

  beforeAll(async () => {
    server = await openS3Server()
    file = await server.put('people/of 1900.csv', CONTENT)
    const fetch = openOriginFetch({ allowList: [server.host], timeoutMs: 5_000 })
    stack = await startStack({}, { fetch })
    access = await orderAccess(stack, file)
  })
  afterAll(async () => {
    await stack.close()
    await server.close()
  })

  const inform = (object: object): Promise<Answer> => send(stack, 'POST', '/api/services/fileinfo', object)
  const download = (headers: Record<string, string> = {}): Promise<Answer> =>
    query(stack, 'GET', '/api/services/download', signedDownload(stack, access), headers)

  it('are told by fileinfo, named outright or by their asset, and none of its keys comes back', async () => {
    const found = {
      index: 0,
      type: 's3',
      valid: true,
      contentLength: String(CONTENT.length),
      contentType: 'text/csv',
      filename: 'of 1900.csv',
      checksum: sha256Hex(CONTENT),
      checksumType: 'sha256',
    }
    const { did, serviceId } = access.asset
    const answers = [await inform({ ...file, checksum: true }), await inform({ did, serviceId, checksum: true })]
    for (const answer of answers) {
      expect([answer.status, answer.json]).toEqual([200, [found]])
      expect(answer.text).not.toContain(file.accessKeyId)
    }
  })

  it('are encrypted as every file object is', async () => {
    const answer = await ask(stack, 'POST', '/api/services/encrypt?chainId=8996', {
      headers: { 'Content-Type': 'application/octet-stream' },
      body: JSON.stringify(file),
    })
    expect([answer.status, /^0x[0-9a-f]+$/.test(answer.text)]).toEqual([201, true])
  })

  it('are downloaded whole, under their own name', async () => {
    const answer = await download()
    expect([answer.status, answer.text]).toEqual([200, CONTENT])
    expect(answer.headers.get('content-disposition')).toBe('attachment;filename=of 1900.csv')
    expect(answer.headers.get('etag')).toMatch(/^".+"$/)
  })

  it('are downloaded in parts', async () => {
    const answer = await download({ Range: 'bytes=9-15' })
    expect([answer.status, answer.text]).toEqual([206, 'ada,36\n'])
    expect(answer.headers.get('content-range')).toBe(`bytes 9-15/${CONTENT.length}`)
    expect((await download({ Range: 'bytes=999-' })).status).toBe(416)
  })

  it('error: other keys, no such object', async () => {
    const objects = [
      { ...file, accessKeyId: 'NOBODY', secretAccessKey: 'guessed' },
      { ...file, objectKey: 'gone' },
    ]
    for (const object of objects) expect((await inform(object)).json).toEqual([{ index: 0, type: 's3', valid: false }])
  })

  it('error: without a bucket, with half a key, beyond the machine’s door', async () => {
    const { bucket: _bucket, ...rest } = file
    expect((await inform(rest)).json).toEqual({ error: 'malformed service files, missing required keys.' })
    expect((await inform({ ...file, secretAccessKey: undefined })).json).toEqual({
      error: 'malformed s3 type, accessKeyId and secretAccessKey belong together',
    })
    expect((await inform({ ...file, endpoint: 'http://169.254.169.254' })).json).toMatchObject([{ valid: false }])
  })
})
