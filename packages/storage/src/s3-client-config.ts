import type { S3ClientConfig } from '@aws-sdk/client-s3'
import type { S3Target } from './results-config.ts'

const ATTEMPTS = 5
const CONNECT_MS = 10_000
/** A connection that carries nothing for so long is given up. */
export const IDLE_MS = 120_000

/** The client of a bucket for results. Other than for files of publishers, the machine's own role may be its key. */
export function buildS3ClientConfig({ region, endpoint, pathStyle, credentials }: S3Target): S3ClientConfig {
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: pathStyle,
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: IDLE_MS },
    // Compatible servers know no trailing checksums; what is stored is hashed by us, and TLS keeps it on the way.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(credentials
      ? {
          credentials: {
            accessKeyId: credentials.accessKeyId,
            secretAccessKey: credentials.secretAccessKey.reveal(),
            ...(credentials.sessionToken ? { sessionToken: credentials.sessionToken.reveal() } : {}),
          },
        }
      : {}),
  }
}

/** Parameters of server-side encryption: some when an object is made, some whenever it is touched. */
export function buildS3Encryption({ encryption }: S3Target): {
  create: { ServerSideEncryption?: 'AES256' | 'aws:kms'; SSEKMSKeyId?: string }
  access: { SSECustomerAlgorithm?: string; SSECustomerKey?: string }
} {
  switch (encryption?.kind) {
    case undefined:
      return { create: {}, access: {} }
    case 'AES256':
      return { create: { ServerSideEncryption: 'AES256' }, access: {} }
    case 'aws:kms': {
      const { keyId } = encryption
      return {
        create: { ServerSideEncryption: 'aws:kms', ...(keyId === undefined ? {} : { SSEKMSKeyId: keyId }) },
        access: {},
      }
    }
    case 'customer':
      return { create: {}, access: { SSECustomerAlgorithm: 'AES256', SSECustomerKey: encryption.key.reveal() } }
  }
}
