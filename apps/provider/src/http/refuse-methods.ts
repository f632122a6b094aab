import { PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { Router } from 'express'

/** Answers a known path under an unknown method, in the words of the reference's router (provider-http-api §1.3). */
export function refuseMethods(): Router {
  const router = Router()
  const paths = new Set<string>(Object.values(PROVIDER_ENDPOINTS).map(([, path]) => path))
  router.all([...paths], () => {
    const detail = '405 Method Not Allowed: The method is not allowed for the requested URL.'
    throw new AppError('MethodNotAllowed', { detail })
  })
  return router
}
