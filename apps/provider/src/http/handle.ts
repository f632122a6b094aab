import type { Request, RequestHandler, Response } from 'express'

/** An express handler from an async function; express 5 passes its rejection on to the error renderer. */
export function handle(work: (request: Request, response: Response) => Promise<void> | void): RequestHandler {
  return async (request, response) => {
    await work(request, response)
  }
}
