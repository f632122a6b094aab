import { Readable } from 'node:stream'
import type * as S3Sdk from '@aws-sdk/client-s3'
import type { ConsumerStorage } from '@c2d/contracts'
import { AppError, toError } from '@c2d/runtime'
import { z } from 'zod'
import { refusedBy, type ConsumerUpload, type SendToConsumer } from './consumer-upload.ts'

const MIN_PART_BYTES = 8 * 1024 ** 2
const MAX_PARTS = 10_000
const PARTS_AT_ONCE = 2

/**
 * Puts files into a consumer's bucket: the SDK signs and cuts into parts, the guarded client sends. The consumer's keys
 * are all it uses; those of this machine are never spent on a consumer's address.
 */
export function putConsumerObject(
  storage: Extract<ConsumerStorage, { type: 's3' }>,
  { upload }: { upload: ConsumerUpload },
): SendToConsumer {
  let opened: Promise<S3Sdk.S3Client> | undefined
  return async (name, sizeBytes, body) => {
    opened ??= openClient(storage, upload)
    const { Upload } = await import('@aws-sdk/lib-storage')
    const sending = new Upload({
      client: await opened,
      params: {
        Bucket: storage.bucket,
        Key: storage.prefix + name,
        Body: body,
        ContentType: 'application/octet-stream',
      },
      partSize: Math.max(MIN_PART_BYTES, Math.ceil((sizeBytes ?? 0) / MAX_PARTS)),
      queueSize: PARTS_AT_ONCE,
      leavePartsOnError: false,
    })
    try {
      await sending.done()
    } catch (thrown) {
      throw translate(thrown)
    }
  }
}

async function openClient(
  storage: Extract<ConsumerStorage, { type: 's3' }>,
  upload: ConsumerUpload,
): Promise<S3Sdk.S3Client> {
  const { S3Client } = await import('@aws-sdk/client-s3')
  const { region, endpoint, accessKeyId, secretAccessKey, sessionToken } = storage
  return new S3Client({
    region,
    endpoint: endpoint ?? `https://s3.${region}.amazonaws.com`,
    forcePathStyle: storage.forcePathStyle,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    disableS3ExpressSessionAuth: true,
    maxAttempts: 3,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      async handle(request: unknown, init: { abortSignal?: unknown } = {}) {
        const { url, ...asked } = parseRequest(request)
        const signal = init.abortSignal instanceof AbortSignal ? init.abortSignal : undefined
        const answer = await upload(url, { ...asked, signal })
        const headers = Object.entries(answer.headers).map(([key, value]) => [key, String(value)])
        return {
          response: {
            statusCode: answer.status,
            headers: Object.fromEntries(headers) as Record<string, string>,
            body: Readable.from(answer.body.length > 0 ? [answer.body] : [], { objectMode: false }),
          },
        }
      },
    },
  })
}

const requestSchema = z.object({
  method: z.string(),
  protocol: z.string(),
  hostname: z.string(),
  port: z.number().optional(),
  path: z.string(),
  query: z.record(z.string(), z.union([z.string(), z.null()])).default({}),
  headers: z.record(z.string(), z.string()),
  body: z.union([z.string(), z.instanceof(Uint8Array)]).nullish(),
})

/** The request as the SDK signed it. */
function parseRequest(request: unknown) {
  const { method, protocol, hostname, port, path, query, headers, body } = requestSchema.parse(request)
  const search = Object.entries(query)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value ?? '')}`)
    .join('&')
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`)
  // A key with steps up is another address once a client has resolved it, perhaps of another bucket.
  if (url.pathname !== path) throw new AppError('InvalidRequest', { detail: 'The key is no path of a web address.' })
  url.search = search
  const { host: _host, 'user-agent': _agent, ...sent } = headers
  return { url: url.href, method, headers: sent, body: body ?? null }
}

function translate(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const status = (thrown as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
  if (status !== undefined && status >= 300) return refusedBy(status)
  return new AppError('UpstreamUnavailable', { detail: 'The storage does not answer.', cause: toError(thrown) })
}
