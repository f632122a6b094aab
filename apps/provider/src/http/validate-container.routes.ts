import { PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { Router } from 'express'
import { checkContainer } from '../domain/compute/check-container.ts'
import { handle } from './handle.ts'

/**
 * `POST /validateContainer`: whether a container section would be accepted at a start; echoes it if so
 * (provider-http-api §1.7). The body alone is read, and no registry is asked.
 */
export function validateContainerRoutes(): Router {
  const router = Router()
  router.post(
    PROVIDER_ENDPOINTS.validateContainer[1],
    handle((request, response) => {
      const container: unknown = request.body
      const checked = checkContainer(container)
      if ('denied' in checked) throw new AppError('InvalidRequest', { detail: checked.denied.code })
      response.json(container)
    }),
  )
  return router
}
