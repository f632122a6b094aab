import type { S3ClientConfig } from '@aws-sdk/client-s3'
import type { S3File } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { z } from 'zod'
import type { SignS3Get } from './source.ts'

/**
 * Signs with the AWS SDK, which is loaded when the first object is asked for; it signs and sends nothing. A file object
 * without keys goes unsigned: the keys this process may hold are never spent on a publisher's address.
 * @returns a signer that throws AppError `FilesUnavailable` for what cannot be signed
 */
export function createS3Signer(): SignS3Get {
  return async function signS3Get(file) {
    const { S3Client, GetObjectCommand } = await import('@aws-sdk/client-s3')
    const client = new S3Client(clientConfig(file))
    let signed: { url: string; headers: Record<string, string> } | undefined
    client.middlewareStack.add(
      () => (args) => {
        signed = parseRequest(args.request)
        return Promise.resolve({ response: {}, output: { $metadata: {} } })
      },
      { name: 'keepSignedRequest', step: 'deserialize', priority: 'high' }, // after signing, before sending
    )
    try {
      await client.send(new GetObjectCommand({ Bucket: file.bucket, Key: file.objectKey }))
    } catch (cause) {
      throw new AppError('FilesUnavailable', { detail: 'The S3 object cannot be asked for.', cause })
    } finally {
      client.destroy()
    }
    if (!signed) throw new AppError('FilesUnavailable', { detail: 'The S3 object cannot be asked for.' })
    return signed
  }
}

/** Everything the SDK would otherwise read from the environment and the files of this machine is said outright. */
function clientConfig(file: S3File): S3ClientConfig {
  const { accessKeyId, secretAccessKey } = file
  const base: S3ClientConfig = {
    region: file.region,
    endpoint: file.endpoint ?? `https://s3.${file.region}.amazonaws.com`,
    forcePathStyle: file.forcePathStyle ?? false,
    maxAttempts: 1,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    disableS3ExpressSessionAuth: true, // it would ask the endpoint for a session, past the guarded client
    requestHandler: { handle: () => Promise.reject(new Error('a signer sends nothing')) },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  }
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return { ...base, credentials: { accessKeyId, secretAccessKey } }
  }
  // Without a word about credentials the SDK would look for ours, by network too, before it lets us not sign.
  const nobody = { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' }
  return { ...base, credentials: nobody, signer: { sign: (request) => Promise.resolve(request) } }
}

const requestSchema = z.object({
  protocol: z.string(),
  hostname: z.string(),
  port: z.number().optional(),
  path: z.string(),
  query: z.record(z.string(), z.string()).default({}),
  headers: z.record(z.string(), z.string()),
})

/**
 * The request as the SDK would send it. The client that does send it names the host by itself, and tells no stranger
 * what we run on.
 */
function parseRequest(request: unknown): { url: string; headers: Record<string, string> } {
  const { protocol, hostname, port, path, query, headers } = requestSchema.parse(request)
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`)
  // A key with steps up is another address once a client has resolved it, perhaps of another bucket.
  if (url.pathname !== path) throw new Error('the key is no path of a web address')
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const { host: _host, 'user-agent': _agent, ...rest } = headers
  return { url: url.href, headers: rest }
}
