import { AppError } from '@c2d/runtime'

/**
 * The address of an identifier below a gateway. Only `identifier` or `identifier/path/in/it` passes, so that an absolute
 * address, a step up, a query or a fragment never replaces or leaves the gateway (provider-http-api §10, W21).
 * @param options.base the gateway; a path and a query of its own stand
 * @param options.pattern what the identifier itself must be, whole
 * @throws AppError `FilesUnavailable`, without the identifier
 */
export function buildGatewayAddress(text: string, options: { base: string; prefix: string; pattern: RegExp }): URL {
  const url = URL.canParse(options.base) ? new URL(options.base) : null
  if (!url) throw new AppError('UpstreamUnavailable', { detail: 'The address of the gateway is not valid.' })
  const [identifier = '', ...path] = text.split('/')
  const segments = path.map(decodedSegment)
  if (!options.pattern.test(identifier) || segments.includes(null)) {
    throw new AppError('FilesUnavailable', { detail: 'The identifier of the file is not valid.' })
  }
  const ownPath = url.pathname.replace(/\/+$/, '')
  const prefix = options.prefix === '' || ownPath.endsWith(options.prefix) ? '' : options.prefix
  url.pathname = [
    `${ownPath}${prefix}`,
    identifier,
    ...segments.map((segment) => encodeURIComponent(segment ?? '')),
  ].join('/')
  return url
}

/** A name within the identifier, decoded once; null for what is no plain name. */
function decodedSegment(segment: string): string | null {
  if (/[?#\\]/.test(segment)) return null
  try {
    const name = decodeURIComponent(segment)
    return name === '' || /^\.\.?$|[/\\\p{Cc}]/u.test(name) ? null : name
  } catch {
    return null // a lone percent sign: no name a gateway would understand
  }
}
