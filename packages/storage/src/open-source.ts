import type { FileObject } from '@c2d/contracts'
import { openArweaveSource } from './arweave-source.ts'
import { openContractSource } from './contract-source.ts'
import { openGraphqlSource } from './graphql-source.ts'
import { openIpfsSource } from './ipfs-source.ts'
import { openResultSource } from './result-source.ts'
import { openS3Source } from './s3-source.ts'
import type { OpenedSource, SourceOptions } from './source.ts'
import { openUrlSource } from './url-source.ts'

/**
 * Opens a file wherever it lies; asks its origin once.
 * @throws AppError `FilesUnavailable` when the origin does not answer or may not be reached, `InvalidRequest` when the
 *   consumer's parameters do not fit, `UpstreamUnavailable` when we lack the gateway or the like for its type
 */
export function openSource(file: FileObject, options: SourceOptions): Promise<OpenedSource> {
  switch (file.type) {
    case 'url':
      return openUrlSource(file, options)
    case 'ipfs':
      return openIpfsSource(file, options)
    case 'arweave':
      return openArweaveSource(file, options)
    case 'graphql':
      return openGraphqlSource(file, options)
    case 'smartcontract':
      return openContractSource(file, options)
    case 's3':
      return openS3Source(file, options)
    case 'result':
      return openResultSource(file, options)
  }
}
