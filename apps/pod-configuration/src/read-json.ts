import type { GuardedFetch } from '@c2d/http-kit'

type Answer = Awaited<ReturnType<GuardedFetch>>

/**
 * The JSON of an answer, read only so far.
 * @throws Error when it is larger, SyntaxError when it is no JSON
 */
export async function readJson(answer: Answer, maxBytes: number): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
}
