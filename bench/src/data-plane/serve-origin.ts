import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const CHUNK = Buffer.alloc(1024 ** 2, 'c2d ')
const TICK_MS = 5

/**
 * The origin of files, as a process of its own. `/file?bytes=N` is a file of that size, by ranges too;
 * `&capBytes=N` gives each connection so many bytes a second; `&delayMs=N` answers so much later.
 */
export function serveOrigin(port: number): void {
  createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://origin').searchParams
    const number = (name: string): number => Number(query.get(name) ?? 0)
    const answer = (): void => serveFile(request, response, { bytes: number('bytes'), capBytes: number('capBytes') })
    if (number('delayMs') > 0) setTimeout(answer, number('delayMs'))
    else answer()
  }).listen(port, '127.0.0.1', 4096)
}

function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, capBytes }: { bytes: number; capBytes: number },
): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  const from = range ? Number(range[1]) : 0
  const to = range?.[2] ? Math.min(Number(range[2]) + 1, bytes) : bytes
  const head = { ETag: '"one"', 'Accept-Ranges': 'bytes', 'Content-Length': to - from }
  if (range) response.writeHead(206, { ...head, 'Content-Range': `bytes ${from}-${to - 1}/${bytes}` })
  else response.writeHead(200, head)
  let left = to - from
  const take = (most: number): Buffer => {
    const size = Math.min(left, most)
    left -= size
    return size === CHUNK.length ? CHUNK : CHUNK.subarray(0, size)
  }
  if (capBytes > 0) sendCapped()
  else send()

  function send(): void {
    while (left > 0) {
      if (!response.write(take(CHUNK.length))) {
        response.once('drain', send)
        return
      }
    }
    response.end()
  }

  /** What was not sent in time is not made up for: a connection never has more than its rate. */
  function sendCapped(): void {
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      const allowance = Math.min(CHUNK.length, Math.floor(((now - last) / 1000) * capBytes))
      last = now
      if (response.destroyed) clearInterval(timer)
      else if (!response.writableNeedDrain) response.write(take(allowance))
      if (left === 0) {
        clearInterval(timer)
        response.end()
      }
    }, TICK_MS)
  }
}
