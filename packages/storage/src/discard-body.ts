import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

/** Lets go of a body that nobody reads, and of its connection. */
export async function discardBody(body: ReadableStream | Readable | null): Promise<void> {
  if (body instanceof Readable) body.destroy()
  else await body?.cancel()
}
