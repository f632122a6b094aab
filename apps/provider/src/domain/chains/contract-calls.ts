import { AppError } from '@c2d/runtime'
import type { CallContract } from '@c2d/storage'
import type { ProviderChains } from './provider-chain.ts'

/**
 * Calls contracts on the chains we serve: what files of type `smartcontract` are (provider-http-api §7.2).
 * @returns a caller that throws AppError `FilesUnavailable` for other chains, and as `ChainClient.callView` does
 */
export function createContractCalls(deps: { chains: ProviderChains }): CallContract {
  return async function callContract(chainId, address, abi, args) {
    const chain = deps.chains.get(chainId)
    if (!chain) throw new AppError('FilesUnavailable', { detail: `Chain ${chainId} is not served here.` })
    return chain.client.callView({ address, abi, args })
  }
}
