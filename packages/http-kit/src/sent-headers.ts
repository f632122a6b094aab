/**
 * Headers that say where a message ends, what becomes of its connection, and whom it is for. They are the client's own:
 * connections are shared, so a length that is not the body's would be taken out of somebody else's request, and a host
 * that is not the address's would reach a neighbour of what an operator allows.
 */
const OWN = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The headers of a request without those that its sender alone decides (RFC 9112 §6, RFC 9110 §7.6.1); in any casing. */
export function withoutFraming(headers: Readonly<Record<string, string>>): Record<string, string> {
  const isForeign = (name: string): boolean => !OWN.has(name) && !name.startsWith('proxy-')
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isForeign(name.toLowerCase())))
}

/** Headers that say what is wanted, and nothing about who wants it: all that another host is told after a redirect. */
const IMPERSONAL = new Set(['accept', 'accept-encoding', 'content-type', 'range', 'if-range'])

/** What of a request's headers may be told to another host. */
export function impersonal(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => IMPERSONAL.has(name.toLowerCase())))
}

/** The headers of a request that has no body any more. */
export function withoutContent(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.toLowerCase().startsWith('content-')))
}
