import type { FileObject } from '@c2d/contracts'
import { createS3Signer } from '../../../src/s3-signer.ts'
import type { SourceOptions } from '../../../src/source.ts'

export const CID = 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi'
export const TRANSACTION_ID = 'cZ6j5PmPVXCq5Az6YGcGqzffYjx2JnsnlSajaHNr20w'
export const S3_SECRET = 'a secret of the publisher'

/** A type of file that lies behind HTTP, as it stands when its origin is at `base`. */
export interface SourceKind {
  title: string
  file: (base: string) => FileObject
  /** What the provider would hand it beside the client. */
  settings: (base: string) => Partial<SourceOptions>
}

const signS3Get = createS3Signer()
const none = () => ({})
const s3 = (base: string) =>
  ({
    type: 's3',
    endpoint: base,
    region: 'eu-west-1',
    bucket: 'data',
    objectKey: 'folder/wages 1985.csv',
    forcePathStyle: true,
  }) as const

/** Every one of them passes the same conformance suite. */
export const HTTP_KINDS: SourceKind[] = [
  { title: 'url', file: (base) => ({ type: 'url', url: `${base}/wages.csv` }), settings: none },
  { title: 'url by POST', file: (base) => ({ type: 'url', url: `${base}/query`, method: 'post' }), settings: none },
  {
    title: 'ipfs',
    file: () => ({ type: 'ipfs', hash: CID }),
    settings: (base) => ({ gateways: { ipfs: base } }),
  },
  {
    title: 'arweave',
    file: () => ({ type: 'arweave', transactionId: TRANSACTION_ID }),
    settings: (base) => ({ gateways: { arweave: base } }),
  },
  {
    title: 'graphql',
    file: (base) => ({ type: 'graphql', url: `${base}/graphql`, query: '{ wages { year } }' }),
    settings: none,
  },
  { title: 'public s3', file: s3, settings: () => ({ signS3Get }) },
  {
    title: 'private s3',
    file: (base) => ({ ...s3(base), accessKeyId: 'PUBLISHER', secretAccessKey: S3_SECRET }),
    settings: () => ({ signS3Get }),
  },
]
