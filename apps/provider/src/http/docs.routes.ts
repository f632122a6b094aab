import { buildOpenApi, docsPage } from '@c2d/http-kit'
import { Router } from 'express'
import { ASSET_OPERATIONS } from './describe/asset-operations.ts'
import { COMPUTE_OPERATIONS } from './describe/compute-operations.ts'
import { COMPONENTS } from './describe/schemas.ts'
import { SYSTEM_OPERATIONS } from './describe/system-operations.ts'

const DESCRIPTION = `
The consumer's door to compute-to-data.

**Signing.** A message is text put together without separators, each value exactly as it is sent. Signed by
\`personal_sign\` are the 32 bytes of \`keccak256(message)\`. Accounts that are contracts sign as ERC-1271 has it.

**Parameters** may come in the query or as a JSON body. Where the query has any, only the query is read.
`.trim()

/** `GET /spec` and `GET /api/docs/`: the surface described, for programs and for people (provider-http-api §1.4). */
export function docsRoutes(options: { version: string }): Router {
  const spec = buildOpenApi({
    title: 'Provider',
    version: options.version,
    description: DESCRIPTION,
    routes: [...SYSTEM_OPERATIONS, ...ASSET_OPERATIONS, ...COMPUTE_OPERATIONS],
    schemas: COMPONENTS,
  })
  const router = Router()
  router.get('/spec', (_request, response) => {
    response.json(spec)
  })
  router.get('/api/docs', docsPage('/spec'))
  return router
}
