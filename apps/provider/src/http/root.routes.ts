import { PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { Router } from 'express'
import type { ProviderChains } from '../domain/chains/provider-chain.ts'

/** `GET /`: who we are and where what is; clients ask it before every call (provider-http-api §1.4). */
export function rootRoutes(options: { version: string }, deps: { chains: ProviderChains }): Router {
  const chains = [...deps.chains.values()]
  const answer = {
    chainIds: chains.map((chain) => chain.chainId),
    providerAddresses: Object.fromEntries(chains.map((chain) => [String(chain.chainId), chain.address])),
    serviceEndpoints: PROVIDER_ENDPOINTS,
    software: 'Provider',
    version: options.version,
  }
  const router = Router()
  router.get('/', (_request, response) => {
    response.json(answer)
  })
  return router
}
