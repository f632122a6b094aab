import type { IpfsFile } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { askOrigin } from './ask-origin.ts'
import { buildGatewayAddress } from './gateway-address.ts'
import type { OpenedSource, SourceOptions } from './source.ts'
import { withQuery } from './userdata.ts'

/** CIDs: version 0; version 1 in base32, base58, base36 and hex. Shape alone: the gateway knows whether it exists. */
const CID =
  /^(?:Qm[1-9A-HJ-NP-Za-km-z]{44}|ba[a-z2-7]{4,200}|BA[A-Z2-7]{4,200}|z[1-9A-HJ-NP-Za-km-z]{4,200}|k[a-z0-9]{4,200}|[fF]01[0-9a-fA-F]{4,200})$/

/**
 * A file of IPFS through the gateway: `userdata` becomes query parameters (provider-http-api §7.2). Its name is the
 * gateway's, else the last part of the path below the CID, else `file`: never the CID, which would give the file away,
 * and the same each time.
 * @throws AppError `UpstreamUnavailable` without a gateway, `FilesUnavailable` for what is no CID
 */
export async function openIpfsSource(file: IpfsFile, options: SourceOptions): Promise<OpenedSource> {
  const base = options.gateways?.ipfs
  if (base === undefined) {
    throw new AppError('UpstreamUnavailable', { detail: 'No IPFS_GATEWAY defined, can not resolve ipfs hash.' })
  }
  const url = buildGatewayAddress(file.hash, { base, prefix: '/ipfs', pattern: CID })
  const [cid = '', ...path] = file.hash.split('/')
  return askOrigin(
    {
      url: withQuery(url, options.userdata),
      method: 'GET',
      headers: file.headers,
      fallbackName: path.at(-1) ?? '',
      hidden: cid,
    },
    options,
  )
}
