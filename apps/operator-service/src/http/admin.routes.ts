import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '@c2d/runtime'
import { Router, type Response } from 'express'

/**
 * `POST /pgsqlinit` with the `Admin` header, as deployers of the reference call it until it succeeds
 * (operator-service-api §6.5, §13). Repeating it is safe, and a failure is no 200.
 * @param deps.migrate brings the database to this build's schema
 */
export function adminRoutes(
  options: { allowedAdmins: readonly Secret[] },
  deps: { migrate: () => Promise<void> },
): Router {
  const router = Router()
  router.post('/pgsqlinit', async (request, response) => {
    const given = request.get('admin') ?? ''
    if (given === '') {
      refuse(response, 400, 'Admin header is empty.')
    } else if (!options.allowedAdmins.some((secret) => isSameSecret(secret.reveal(), given))) {
      refuse(response, 401, 'Access admin route failed due to invalid admin address.')
    } else {
      await deps.migrate()
      response.status(200).type('text').send('')
    }
  })
  return router
}

function refuse(response: Response, status: number, text: string): void {
  response.status(status).type('text').send(`${text}\nstatus code: ${status}`)
}

/** Compares hashes, so that neither length nor content shows in the time it takes. */
function isSameSecret(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}
