import { Router } from 'express'

/** What `GET /` tells of a service (operator-service-api §12); null where nothing is set. */
export interface ServiceInfo {
  address: string | null
  algoTimeLimit: string | null
  storageExpiry: string | null
}

const VERSION = '1.1.0'

/** `GET /`: who is speaking. */
export function rootRoutes(info: ServiceInfo): Router {
  const router = Router()
  router.get('/', (_request, response) => {
    response.json({ software: 'Operator service', version: VERSION, ...info })
  })
  return router
}
