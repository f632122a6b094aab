import type { ArweaveFile } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { askOrigin } from './ask-origin.ts'
import { buildGatewayAddress } from './gateway-address.ts'
import type { OpenedSource, SourceOptions } from './source.ts'
import { withQuery } from './userdata.ts'

/** 32 bytes in base64url. */
const TRANSACTION_ID = /^[A-Za-z0-9_-]{43}$/

/**
 * A file of Arweave through the gateway: `userdata` becomes query parameters (provider-http-api §7.2). Its name is the
 * gateway's, else the last part of a path below the transaction, else `file`: never the transaction.
 * @throws AppError `UpstreamUnavailable` without a gateway, `FilesUnavailable` for what is no transaction id
 */
export async function openArweaveSource(file: ArweaveFile, options: SourceOptions): Promise<OpenedSource> {
  const base = options.gateways?.arweave
  if (base === undefined) {
    const detail = 'No ARWEAVE_GATEWAY defined, can not resolve arweave transaction id.'
    throw new AppError('UpstreamUnavailable', { detail })
  }
  const url = buildGatewayAddress(file.transactionId, { base, prefix: '', pattern: TRANSACTION_ID })
  const [transactionId = '', ...path] = file.transactionId.split('/')
  return askOrigin(
    {
      url: withQuery(url, options.userdata),
      method: 'GET',
      headers: file.headers,
      fallbackName: path.at(-1) ?? '',
      hidden: transactionId,
    },
    options,
  )
}
