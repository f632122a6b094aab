/** A server of S3 on loopback. */
export interface S3Server {
  readonly endpoint: string
  readonly region: string
  /** What this server knows everybody by. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  close(): Promise<void>
}

/**
 * Starts a server of S3 for development: parts and ranges over a socket, no list of unfinished uploads, and none of the
 * speed of a real one.
 * @param options.directory keeps the objects; it stays when the server ends
 * @param options.port chosen by the kernel when absent
 * @param options.buckets that are there from the start
 */
export async function startS3Server(options: {
  directory: string
  port?: number
  buckets?: readonly string[]
}): Promise<S3Server> {
  const { directory, port = 0, buckets = [] } = options
  const { default: S3rver } = await import('s3rver')
  const server = new S3rver({
    port,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: buckets.map((name) => ({ name })),
  })
  const listening = await server.run()
  return {
    endpoint: `http://127.0.0.1:${listening.port}`,
    region: 'us-east-1',
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
    close: () => server.close(),
  }
}
