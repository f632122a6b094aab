import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What an endpoint says to a method; `null` is silence. */
export type Answer = (method: string, params: unknown[]) => { status?: number; body: object } | null

/** An endpoint that answers every call as it is told. */
export async function startFakeEndpoint(answer: Answer) {
  const calls: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const call = JSON.parse(Buffer.concat(chunks).toString()) as { id: number; method: string; params: unknown[] }
      calls.push(call.method)
      const answered = answer(call.method, call.params)
      if (!answered) return
      response.writeHead(answered.status ?? 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, ...answered.body }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
export type FakeEndpoint = Awaited<ReturnType<typeof startFakeEndpoint>>
