import { ConfigError } from '@c2d/runtime'
import { z } from 'zod'

const answerSchema = z.object({ result: z.string().regex(/^0x[0-9a-f]+$/i) })

/**
 * Asks a node which chain it serves, where `NETWORK_URL` does not say it.
 * @throws ConfigError when it does not answer
 */
export async function loadChainId(rpcUrl: string, timeoutMs: number): Promise<number> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    return Number(answerSchema.parse(await response.json()).result)
  } catch {
    throw new ConfigError(['NETWORK_URL: the node does not tell its chain id; is it running?'])
  }
}
