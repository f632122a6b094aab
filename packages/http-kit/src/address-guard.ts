import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import { AppError } from '@c2d/runtime'
import { isAllowed, isPublicAddress, type AllowList } from './public-address.ts'

/** Finds every address of a name; the shape of `dns.lookup` with `all`. */
export type Lookup = (
  host: string,
  options: { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** How often one request may be sent on. */
export const MAX_REDIRECTS = 5

/**
 * The address of a request, if it may be one.
 * @throws AppError `FilesUnavailable` for anything but http and https
 */
export function parseTarget(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new AppError('FilesUnavailable', { detail: 'Only http and https addresses are fetched.' })
  }
  return url
}

/**
 * Where a redirect leads; it is still to be judged as any other address.
 * @param location as the header has it, perhaps relative
 * @throws AppError `FilesUnavailable` for what is no address, or none of http and https
 */
export function parseRedirect(location: string, from: URL): URL {
  if (URL.canParse(location, from.href)) return parseTarget(new URL(location, from).href)
  throw new AppError('FilesUnavailable', { detail: 'The address redirects to none.' })
}

/**
 * Whether an operator allows this target although it may not be public. Addresses that stand in it literally are
 * judged here, since nobody looks them up.
 * @throws AppError `FilesUnavailable` for a literal address that is neither public nor allowed
 */
export function assertReachable(target: URL, allowList: AllowList): boolean {
  const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80)
  const allowed = isAllowed(allowList, target.hostname, port)
  const literal = target.hostname.replace(/^\[|\]$/g, '')
  if (!allowed && isIP(literal) && !isPublicAddress(literal)) throw refused()
  return allowed
}

/** What is thrown when an address is kept from being reached. */
function refused(): AppError {
  return new AppError('FilesUnavailable', { detail: 'The address is not a public one.' })
}

type LookupDone = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/**
 * The `lookup` of a connection: it gives the very addresses it judged, so a second answer of the resolver cannot differ.
 * @param allowed whether addresses that are not public pass
 */
export function guardedLookup(lookup: Lookup = dnsLookup, allowed = false) {
  return (host: string, options: object, done: LookupDone): void => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) {
        done(error, [])
        return
      }
      // One bad address refuses the name: picking the good one would let the next answer bring the bad one.
      if (!allowed && !addresses.every((entry) => isPublicAddress(entry.address))) {
        done(refused(), [])
        return
      }
      const first = addresses[0]
      if ('all' in options && options.all) done(null, addresses)
      else if (first) done(null, first.address, first.family)
      else done(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), [])
    })
  }
}
