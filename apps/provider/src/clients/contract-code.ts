import { AppError } from '@c2d/runtime'
import { z } from 'zod'

const answerSchema = z.object({ result: z.string().regex(/^0x[0-9a-f]*$/i) })

/**
 * Asks a chain whether an address is a contract.
 * @param options.rpcUrls its endpoints, the best first; they may hold access keys, so no error repeats them
 * @param options.timeoutMs for the answer of one endpoint
 * @returns a question that throws AppError `UpstreamUnavailable` where no endpoint answers
 */
export function createCodeProbe(options: {
  rpcUrls: readonly string[]
  timeoutMs: number
}): (address: string) => Promise<boolean> {
  return async function hasCode(address) {
    for (const rpcUrl of options.rpcUrls) {
      const code = await loadCode(rpcUrl, address, options.timeoutMs)
      if (code !== null) return code.length > 2
    }
    throw new AppError('UpstreamUnavailable', { detail: 'The chain cannot be asked for the account right now.' })
  }
}

async function loadCode(rpcUrl: string, address: string, timeoutMs: number): Promise<string | null> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getCode', params: [address, 'latest'] }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    return answerSchema.parse(await response.json()).result
  } catch {
    return null // this endpoint does not answer: the next may
  }
}
