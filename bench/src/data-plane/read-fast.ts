import { connect } from 'node:net'

const CHUNK_BYTES = 256 * 1024

/**
 * Reads these addresses to their ends, all at once, and throws the bytes away: straight off the sockets into one buffer
 * each, so that the reader is never what is measured.
 * @returns 10⁶ bytes a second of all together
 * @throws Error for an answer that is not 200 or not whole
 */
export async function readFast(urls: readonly string[]): Promise<number> {
  const startedAt = performance.now()
  const sizes = await Promise.all(urls.map(readOne))
  return sizes.reduce((sum, size) => sum + size, 0) / 1e6 / ((performance.now() - startedAt) / 1000)
}

function readOne(address: string): Promise<number> {
  const url = new URL(address)
  return new Promise((resolve, reject) => {
    let head: string | undefined = ''
    let wanted = Infinity
    let read = 0
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    const socket = connect({
      host: url.hostname,
      port: Number(url.port),
      onread: {
        buffer,
        callback(bytes) {
          read += bytes
          if (head === undefined) return true
          head += buffer.toString('latin1', 0, bytes)
          const end = head.indexOf('\r\n\r\n')
          if (end < 0) return true
          const length = /^content-length: (\d+)/im.exec(head.slice(0, end))?.[1]
          if (!head.startsWith('HTTP/1.1 200') || length === undefined) {
            socket.destroy(new Error(`answered ${head.slice(0, 400)}`))
            return false
          }
          wanted = end + 4 + Number(length)
          head = undefined
          return true
        },
      },
    })
    socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`)
    socket.on('error', reject)
    socket.on('close', () => {
      if (read === wanted) resolve(wanted)
      else reject(new Error(`${read} of ${wanted} bytes came`))
    })
  })
}
