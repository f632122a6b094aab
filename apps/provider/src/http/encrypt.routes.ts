import { eciesEncrypt } from '@c2d/chain'
import { PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { Router, type Request } from 'express'
import type { ProviderChain, ProviderChains } from '../domain/chains/provider-chain.ts'
import { handle } from './handle.ts'

/**
 * `POST /encrypt`: the bytes of the body, encrypted to the key of a chain (provider-http-api §1.7). Success is bare hex:
 * ocean.js hands whatever text comes back to the contract.
 * @param options.hasSingleKey then any chain id will do, as in the reference
 */
export function encryptRoutes(options: { hasSingleKey: boolean }, deps: { chains: ProviderChains }): Router {
  const router = Router()
  router.post(
    PROVIDER_ENDPOINTS.encrypt[1],
    handle((request, response) => {
      if (request.get('content-type') !== 'application/octet-stream') {
        throw invalid('Invalid request content type: should be application/octet-stream')
      }
      const chainId = request.query['chainId']
      if (typeof chainId !== 'string' || chainId === '') throw invalid('Missing chainId query parameter.')
      const chain = chainFor(chainId)
      if (!chain) throw invalid('Failed to encrypt.')
      const encrypted = eciesEncrypt(chain.privateKey, bodyBytes(request))
      response
        .status(201)
        .type('text/plain')
        .send(`0x${Buffer.from(encrypted).toString('hex')}`)
    }),
  )
  return router

  function chainFor(chainId: string): ProviderChain | undefined {
    const named = deps.chains.get(Number(chainId))
    return named ?? (options.hasSingleKey ? [...deps.chains.values()][0] : undefined)
  }
}

function bodyBytes(request: Request): Buffer {
  const body: unknown = request.body
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}

function invalid(detail: string): AppError {
  return new AppError('InvalidRequest', { detail })
}
