import { request, type IncomingHttpHeaders } from 'node:http'
import { signMessage } from '@c2d/chain'
import type { ChainActor } from './chain-actor.ts'

/** An answer as bytes were read. */
export interface PythonAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** A request as ocean.py's HTTP library writes it: path and body go out as they are given, unnormalised. */
export function askLikePython(
  base: string,
  method: string,
  path: string,
  body?: { type: string; text: string },
): Promise<PythonAnswer> {
  const { hostname, port } = new URL(base)
  const headers = {
    'User-Agent': 'python-requests/2.31.0',
    'Accept-Encoding': 'gzip, deflate',
    Accept: '*/*',
    Connection: 'keep-alive',
    ...(body ? { 'content-type': body.type, 'Content-Length': String(Buffer.byteLength(body.text)) } : {}),
    // A PUT or DELETE without a body names its length all the same.
    ...(!body && method !== 'GET' ? { 'Content-Length': '0' } : {}),
  }
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    asked.on('error', reject)
    asked.end(body?.text)
  })
}

/** Query parameters as Python's `urlencode` writes them: colons encoded, blanks as `+`. */
export function urlencode(parameters: Record<string, string | number>): string {
  const quote = (text: string): string =>
    encodeURIComponent(text)
      .replaceAll('%20', '+')
      .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  return Object.entries(parameters)
    .map(([name, value]) => `${quote(name)}=${quote(String(value))}`)
    .join('&')
}

/** A signature as eth_keys gives it: the recovery id at its end is 00 or 01. */
export function signLikePython(message: string, by: Pick<ChainActor, 'key'>): string {
  const signature = signMessage(message, by.key)
  return signature.slice(0, -2) + (signature.endsWith('1b') ? '00' : '01')
}

/** The next nonce as ocean.py computes it. */
export function nextPythonNonce(answered: string): number {
  return Math.ceil(Number(answered)) + 1
}
