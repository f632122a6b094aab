import { ConfigError } from '@c2d/runtime'
import { z } from 'zod'

const answerSchema = z.object({ result: z.string().regex(/^0x[0-9a-f]+$/i) })

/**
 * Asks the nodes of a chain which chain they serve, where `NETWORK_URL` does not say it; the first that answers counts.
 * @throws ConfigError when none does
 */
export async function loadChainId(rpcUrls: readonly string[], timeoutMs: number): Promise<number> {
  for (const rpcUrl of rpcUrls) {
    const chainId = await askChainId(rpcUrl, timeoutMs)
    if (chainId !== null) return chainId
  }
  throw new ConfigError(['NETWORK_URL: no node tells its chain id; is one running?'])
}

async function askChainId(rpcUrl: string, timeoutMs: number): Promise<number | null> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    return Number(answerSchema.parse(await response.json()).result)
  } catch {
    return null // the next one is asked
  }
}
