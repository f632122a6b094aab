import { createHash, createHmac } from 'node:crypto'
import { Agent as HttpAgent, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type * as S3Sdk from '@aws-sdk/client-s3'
import { IDLE_MS } from './s3-client-config.ts'
import type { S3Target } from './results-config.ts'

/** Puts one object past the SDK. @returns false where the SDK should do it, and say what is wrong */
export type PutDirectly = (place: { Bucket: string; Key: string }, body: Uint8Array, sha256: string) => Promise<boolean>

const CONNECTIONS = 50

/**
 * Puts small objects to a server nearby. Of what thousands of them cost, the SDK's layers are more than half, so they are
 * signed and sent here (AWS Signature Version 4). The SDK keeps all that is not the plain case: its credentials are
 * used, and whatever does not succeed at once (clocks, redirects, refusals, retries) it does anew. Buckets of AWS itself
 * are left to it, because the way there takes longer than any of this; so are keys of the customer's.
 * @returns null where it has no part
 */
export function createDirectPut(
  target: S3Target,
  client: S3Sdk.S3Client,
): { put: PutDirectly; close: () => void } | null {
  const { endpoint, encryption, region, pathStyle } = target
  if (endpoint === undefined || encryption?.kind === 'customer') return null
  const base = new URL(endpoint)
  const isTls = base.protocol === 'https:'
  const limits = { keepAlive: true, maxSockets: CONNECTIONS }
  const agent = isTls ? new HttpsAgent(limits) : new HttpAgent(limits)
  const kept: Record<string, string> = {}
  if (encryption) kept['x-amz-server-side-encryption'] = encryption.kind
  if (encryption?.kind === 'aws:kms' && encryption.keyId !== undefined) {
    kept['x-amz-server-side-encryption-aws-kms-key-id'] = encryption.keyId
  }
  const folder = base.pathname.replace(/\/$/, '')

  return {
    async put({ Bucket, Key }, body, sha256) {
      const { accessKeyId, secretAccessKey, sessionToken } = await client.config.credentials()
      const path = `${folder}/${(pathStyle ? `${Bucket}/${Key}` : Key).split('/').map(encodeStrictly).join('/')}`
      const headers: Record<string, string> = {
        'content-type': 'application/octet-stream',
        host: pathStyle ? base.host : `${Bucket}.${base.host}`,
        'x-amz-content-sha256': sha256,
        'x-amz-date': new Date().toISOString().replace(/[-:]|\.\d+/g, ''),
        ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
        ...kept,
      }
      const authorization = signPut(path, headers, { accessKeyId, secretAccessKey, region })
      const sent = { ...headers, authorization, 'content-length': String(body.length) }
      const hostname = pathStyle ? base.hostname : `${Bucket}.${base.hostname}`
      return new Promise((resolve) => {
        const send = isTls ? requestHttps : requestHttp
        const request = send({ hostname, port: base.port, path, method: 'PUT', headers: sent, agent, timeout: IDLE_MS })
        request.once('timeout', () => request.destroy())
        request.once('error', () => resolve(false)) // the SDK meets it too, and says so
        request.once('response', (answer) => {
          answer.resume()
          answer.once('error', () => resolve(false))
          answer.once('end', () => resolve(answer.statusCode === 200))
          answer.once('close', () => resolve(false))
        })
        request.end(body)
      })
    },
    close: () => agent.destroy(),
  }
}

/** The header that vouches for a PUT and all of its headers. */
function signPut(
  path: string,
  headers: Readonly<Record<string, string>>,
  by: { accessKeyId: string; secretAccessKey: string; region: string },
): string {
  const names = Object.keys(headers).sort()
  const signed = names.join(';')
  const lines = names.map((name) => `${name}:${headers[name] ?? ''}\n`).join('')
  const canonical = `PUT\n${path}\n\n${lines}\n${signed}\n${headers['x-amz-content-sha256'] ?? ''}`
  const time = headers['x-amz-date'] ?? ''
  const day = time.slice(0, 8)
  const scope = `${day}/${by.region}/s3/aws4_request`
  const digest = createHash('sha256').update(canonical).digest('hex')
  const key = [day, by.region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${by.secretAccessKey}`,
  )
  const signature = createHmac('sha256', key).update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`).digest('hex')
  return `AWS4-HMAC-SHA256 Credential=${by.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`
}

function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
