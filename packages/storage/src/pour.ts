import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { FileStream } from './file-stream.ts'

/**
 * Answers with everything of a source, as fast as the client takes it; whichever of the two fails or goes away takes
 * the other with it. What `pipeline` does, and one thing more: a chunk that the kernel has is given back to a source
 * that lends its buffers, so that many transfers at once leave no garbage. Only an answer tells when a chunk is gone
 * for good; a stream in between would keep it.
 * @throws what the source failed with, or `ERR_STREAM_PREMATURE_CLOSE`; the connection is cut then
 */
export async function pour(source: Readable, response: ServerResponse): Promise<void> {
  const lender = source instanceof FileStream ? source : null
  const resume = (): void => void source.resume()
  try {
    await new Promise<void>((resolve, reject) => {
      const cut = (): void => reject(prematureClose())
      if (response.destroyed || response.closed) {
        cut()
        return
      }
      response.once('finish', resolve).once('error', reject).once('close', cut).on('drain', resume)
      source.once('error', reject).once('close', () => {
        if (!source.readableEnded) cut()
      })
      source.once('end', () => response.end())
      source.on('data', (chunk: Buffer) => {
        const wantsMore = response.write(chunk, (error) => {
          if (!error) lender?.giveBack(chunk)
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
