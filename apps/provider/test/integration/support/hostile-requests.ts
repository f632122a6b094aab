import { request, type IncomingHttpHeaders } from 'node:http'
import fc from 'fast-check'

/** One request, however odd. */
export interface HostileRequest {
  method: string
  /** With its query; goes out as it is. */
  path: string
  headers: Record<string, string>
  body: string | undefined
}

/** Sends a request without a thought; a connection that the server cuts counts as status 0. */
export function sendHostile(
  base: string,
  { method, path, headers, body }: HostileRequest,
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve) => {
    const nothing = (): void => resolve({ status: 0, headers: {}, text: '' })
    // Node names no length for a GET: what follows it would be another request.
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
    const options = { hostname, port, method, path, headers: { ...headers, ...length }, agent: false }
    const sent = request(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', nothing)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    sent.on('error', nothing)
    sent.end(body)
  })
}

const LITERAL = 'literal:'

const ODD_TEXTS = [
  ...['', ' ', '0', '-1', '1e400', 'NaN', 'Infinity', '0x', '00', '1.5', '9'.repeat(400), '1'.repeat(17)],
  ...['null', 'undefined', 'true', '[]', '{}', '{"a":', '"', '[object Object]', '__proto__', 'constructor', 'toString'],
  ...['../../etc/passwd', '..%2f..%2f', '%', '%zz', '%00', '\u0000', '\ud800', '\u202e', 'ÿ', '🦄'.repeat(20), '١٢٣'],
  ...["'; DROP TABLE nonces; --", '${7*7}', '{{7*7}}', '<script>', 'a\r\nSet-Cookie: b=c', 'a'.repeat(20_000)],
  ...[
    `0x${'f'.repeat(64)}`,
    `0x${'0'.repeat(64)}`,
    `0x${'f'.repeat(40)}`,
    `0x${'g'.repeat(130)}`,
    `0x${'1'.repeat(130)}`,
  ],
  ...[
    `did:op:${'0'.repeat(64)}`,
    'did:op:',
    'did:op:../../',
    'did:op:%2e%2e/x',
    `DID:OP:${'F'.repeat(64)}`,
    'did:web:a',
  ],
]

/** Values nobody expects; some are JSON that `JSON.stringify` cannot write. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...ODD_TEXTS),
  fc.constantFrom<unknown>(null, true, false, 0, -1, 0.1, 1e21, [], {}, [[]], [null], { length: 1e9 }, ['a', 'b'], {
    documentId: {},
  }),
  // It has no text: whoever makes one of it fails.
  fc.constant({ toString: 1, valueOf: 1 }),
  fc.constantFrom('1e400', '-0', '9'.repeat(500), `1.${'3'.repeat(300)}`, '1e-400').map((text) => LITERAL + text),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.jsonValue({ maxDepth: 3 }),
)

const oddKey = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'length', ''),
  fc.string({ maxLength: 12 }),
)

const deep = fc
  .tuple(
    fc.integer({ min: 30, max: 50_000 }),
    fc.constantFrom<[string, string][]>(['[', ']'], ['{"a":', '}'], ['{"__proto__":', '}']),
  )
  .map(([depth, [open, close]]) => open.repeat(depth) + '1' + close.repeat(depth))

const oddHeaders = fc.dictionary(
  fc
    .constantFrom(
      'Accept',
      'AuthToken',
      'C2D-Download-Token',
      'Range',
      'If-Range',
      'Origin',
      'X-Request-Id',
      'X-Forwarded-For',
      'Host',
    )
    .chain((name) => fc.constant(name)),
  fc.oneof(
    fc.constantFrom(
      'application/problem+json',
      '*/*;q=2',
      'bytes=0-0',
      'bytes=9-1',
      'bytes=-',
      'null',
      'a.b.c',
      '127.0.0.1',
    ),
    fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
  ),
  { maxKeys: 4 },
)

const contentType = fc.constantFrom(
  ...[
    'application/json',
    'application/json; charset=utf-16',
    'text/plain',
    'application/octet-stream',
    'multipart/form-data',
  ],
  ...['application/x-www-form-urlencoded', 'application/vnd.api+json', 'application/json; charset=klingon', 'x'],
)

/** How an otherwise sensible input goes wrong. */
export interface Mutation {
  field: string
  /** Undefined removes the field. */
  value: unknown
}

/** Up to four fields of these, or others, with odd values or none. */
export function mutations(fields: readonly string[]): fc.Arbitrary<Mutation[]> {
  const field = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...fields) }, { weight: 1, arbitrary: oddKey })
  const value = fc.oneof({ weight: 6, arbitrary: oddValue }, { weight: 1, arbitrary: fc.constant(undefined) })
  return fc.array(fc.record({ field, value }), { maxLength: 4 })
}

/** How an input is sent. */
export const shape = fc.record({
  carrier: fc.constantFrom('query', 'json', 'json', 'both'),
  headers: oddHeaders,
  contentType: fc.oneof(
    { weight: 4, arbitrary: fc.constant('application/json') },
    { weight: 1, arbitrary: contentType },
  ),
  isSigned: fc.boolean(),
})
export type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never

/** Puts an input into a request. */
export function carry(method: string, path: string, input: Record<string, unknown>, how: Shape): HostileRequest {
  const inQuery = how.carrier !== 'json'
  const inBody = how.carrier !== 'query'
  return {
    method,
    path: inQuery ? `${path}?${writeQuery(input)}` : path,
    headers: { ...how.headers, ...(inBody ? { 'Content-Type': how.contentType } : {}) },
    body: inBody ? writeJson(input) : undefined,
  }
}

/** Requests of any kind to any of these paths. */
export function anyRequest(paths: readonly string[]): fc.Arbitrary<HostileRequest> {
  return fc.record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'),
    path: fc
      .tuple(
        fc.oneof(
          fc.constantFrom(...paths),
          fc.constantFrom(
            '//',
            '/%',
            '/%00',
            '/..%2f',
            '/api/services/%2e%2e/nonce',
            '/a/../healthz',
            '/*',
            '/API/SERVICES/NONCE',
          ),
          fc.webPath(),
        ),
        fc.oneof(
          fc.constantFrom('', '?', '?%', '?%zz=%zz', '?a[b][c]=1', '?__proto__=1', `?${'a=1&'.repeat(2_000)}`),
          fc.webQueryParameters().map((text) => `?${text}`),
        ),
      )
      .map(([path, query]) => path + query),
    headers: fc.tuple(oddHeaders, contentType).map(([headers, type]) => ({ ...headers, 'Content-Type': type })),
    body: fc.oneof(
      fc.constant(undefined),
      fc.json(),
      deep,
      fc.string({ unit: 'binary' }),
      oddValue.map((one) => writeJson(one)),
    ),
  })
}

/** JSON, with literals as they are. */
function writeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(new RegExp(`"${LITERAL}([-0-9.e]+)"`, 'g'), '$1')
}

function writeQuery(input: Record<string, unknown>): string {
  const encode = (text: string): string => encodeURIComponent(Buffer.from(text).toString())
  return Object.entries(input)
    .map(([name, value]) => `${encode(name)}=${encode(typeof value === 'string' ? value : writeJson(value))}`)
    .join('&')
}
