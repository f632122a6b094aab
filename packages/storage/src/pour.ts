import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { LendingStream, returnBuffer } from './lending-stream.ts'

/**
 * Answers with everything of a source, as fast as the client takes it; whichever of the two fails or goes away takes
 * the other with it. What `pipeline` does, and one thing more: a chunk that the kernel has is given back to a source
 * that lends its buffers, so that many transfers at once leave no garbage. Only an answer tells when a chunk is gone
 * for good; a stream in between would keep it.
 * @throws what the source failed with, or `ERR_STREAM_PREMATURE_CLOSE`; the connection is cut then
 */
export async function pour(source: Readable, response: ServerResponse): Promise<void> {
  const isLender = source instanceof LendingStream
  const resume = (): void => void source.resume()
  try {
    await new Promise<void>((resolve, reject) => {
      const cut = (): void => reject(prematureClose())
      if (response.destroyed || response.closed || source.destroyed) {
        reject(source.errored ?? prematureClose())
        return
      }
      response.once('finish', resolve).once('error', reject).once('close', cut).on('drain', resume)
      source.once('error', reject).once('close', () => {
        if (!source.readableEnded) cut()
      })
      source.once('end', () => response.end())
      source.on('data', (chunk: Buffer) => {
        const wantsMore = response.write(chunk, (error) => {
          if (!error && isLender) returnBuffer(chunk)
        })
        if (!wantsMore) source.pause()
      })
    })
  } catch (thrown) {
    response.destroy()
    throw thrown
  } finally {
    response.off('drain', resume)
    source.destroy()
  }
}

function prematureClose(): Error {
  return Object.assign(new Error('the transfer was cut'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
}
