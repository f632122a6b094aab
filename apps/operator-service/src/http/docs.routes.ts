import { buildOpenApi, docsPage } from '@c2d/http-kit'
import { Router } from 'express'
import { ROUTE_DOCS, SCHEMAS } from './route-docs.ts'

/** `/spec` and `/api/v1/docs/`: the surface described, for programs and for people (operator-service-api §2). */
export function docsRoutes(): Router {
  const spec = buildOpenApi({
    title: 'Operator service',
    version: '1.1.0',
    description:
      'Starts, shows and stops compute jobs. Called by providers, who sign each call: `personal_sign` over ' +
      '`keccak256(owner + jobId + nonce)`, the job id only where a call names one. A nonce passes once.',
    routes: ROUTE_DOCS,
    schemas: SCHEMAS,
  })
  const router = Router()
  router.get('/spec', (_request, response) => {
    response.json(spec)
  })
  router.get('/api/v1/docs', docsPage('/spec'))
  return router
}
