import type { IncomingHttpHeaders } from 'node:http'

/** The head of an answer whose body has a length. */
export interface ResponseHead {
  status: number
  headers: IncomingHttpHeaders
  /** Bytes of the body. */
  length: number
}

/**
 * Reads the head of an HTTP/1.1 answer.
 * @param head everything before the empty line
 * @returns null for anything but a final answer with a plain `Content-Length`: that is for a whole parser
 */
export function parseResponseHead(head: string): ResponseHead | null {
  const [statusLine = '', ...lines] = head.split('\r\n')
  const status = Number(/^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/.exec(statusLine)?.[1])
  if (!status) return null
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (name === undefined || value === undefined) return null
    const key = name.toLowerCase()
    // Two of a kind may be a list or an attack; neither is worth a rule here.
    if (key in headers) return null
    headers[key] = value
  }
  if (headers['transfer-encoding'] !== undefined) return null
  if (status === 204 || status === 304) return { status, headers, length: 0 }
  return /^\d{1,15}$/.test(headers['content-length'] ?? '')
    ? { status, headers, length: Number(headers['content-length']) }
    : null
}
