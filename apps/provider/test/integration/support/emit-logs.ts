import { devWallet } from '@c2d/dev-servers'
import type { TestChain } from '@c2d/testing'
import { JsonRpcProvider } from 'ethers'

/** A log as `Interface.encodeEventLog` gives it. */
export interface Log {
  topics: string[]
  data: string
}

/**
 * Puts these logs on the chain in one transaction, emitted by a contract of nobody.
 * @returns the transaction's hash
 */
export async function emitLogs(chain: TestChain, logs: readonly Log[]): Promise<string> {
  const provider = new JsonRpcProvider(chain.rpcUrl, 8996, {
    staticNetwork: true,
    cacheTimeout: -1,
    pollingInterval: 20,
  })
  try {
    const response = await devWallet(8)
      .connect(provider)
      .sendTransaction({ data: buildEmitter(logs) })
    const receipt = await response.wait()
    if (receipt?.logs.length !== logs.length) throw new Error('the contract did not emit every log')
    return response.hash
  } finally {
    provider.destroy()
  }
}

/** Code that emits while it is deployed: each log's data is copied from the end of the code itself. */
function buildEmitter(logs: readonly Log[]): string {
  const programBytes = logs.reduce((sum, { topics }) => sum + 15 + 33 * topics.length, 1)
  let offset = programBytes
  const parts = logs.map(({ topics, data }) => {
    const size = hex((data.length - 2) / 2)
    const copy = `61${size}61${hex(offset)}600039`
    offset += (data.length - 2) / 2
    const pushes = topics.toReversed().map((topic) => `7f${topic.slice(2)}`)
    return `${copy}${pushes.join('')}61${size}6000a${topics.length}`
  })
  return `0x${parts.join('')}00${logs.map(({ data }) => data.slice(2)).join('')}`
}

function hex(number: number): string {
  return number.toString(16).padStart(4, '0')
}
