import { AppError } from '@c2d/runtime'
import type { Request } from 'express'

/**
 * Some routes answer HEAD with 405, after their parameters were checked (provider-http-api §1.3).
 * @throws AppError `MethodNotAllowed`
 */
export function refuseHead(request: Request): void {
  if (request.method === 'HEAD') throw new AppError('MethodNotAllowed', { detail: 'Method Not Allowed' })
}
