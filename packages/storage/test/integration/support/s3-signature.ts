import { createHash, createHmac } from 'node:crypto'
import type { SeenRequest } from './origin.ts'

/**
 * The signature a server of S3 works out for a request as it arrived (AWS Signature Version 4): it equals the one in the
 * request only if every signed header came through as it was signed.
 */
export function s3SignatureOf(request: SeenRequest, secretAccessKey: string): string {
  const authorization = request.headers.authorization ?? ''
  const [, scope = '', signedHeaders = ''] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+),/.exec(authorization) ?? []
  const { pathname, search } = new URL(request.url, 'http://origin.example')
  const canonical = [
    request.method,
    pathname,
    search.slice(1),
    ...signedHeaders.split(';').map((name) => `${name}:${String(request.headers[name])}`),
    '',
    signedHeaders,
    request.headers['x-amz-content-sha256'],
  ].join('\n')
  const digest = createHash('sha256').update(canonical).digest('hex')
  const toSign = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, digest].join('\n')
  const key = scope.split('/').reduce<Buffer | string>((parent, part) => hmac(parent, part), `AWS4${secretAccessKey}`)
  return hmac(key, toSign).toString('hex')
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
