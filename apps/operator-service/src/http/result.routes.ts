import { extname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { requestInput } from '@c2d/http-kit'
import type { Database } from '@c2d/postgres'
import { toError, type Logger } from '@c2d/runtime'
import type { ResultStore } from '@c2d/storage'
import { Router, type Request } from 'express'
import { parseByteRange } from '../domain/byte-range.ts'
import { buildContentDisposition } from '../domain/content-disposition.ts'
import { findResult } from '../domain/find-result.ts'
import type { ProviderAuth } from '../domain/provider-auth.ts'
import { assertFields, readSignedCall, readText } from './call-fields.ts'
import { methodNotAllowed } from './method-not-allowed.ts'

const EXPOSED = 'Content-Disposition, Content-Length, Content-Range, Accept-Ranges, ETag'

/** `/getResult`: one result file, whole or a range of it (operator-service-api §9). */
export function resultRoutes(deps: { db: Database; auth: ProviderAuth; results: ResultStore; log: Logger }): Router {
  const router = Router()

  router.get('/getResult', async (request, response) => {
    const input = requestInput(request)
    assertFields(input, ['owner', 'providerSignature', 'nonce', 'index', 'jobId'], 'GET:/getResult')
    const call = readSignedCall(input, 'GET:/getResult')
    const provider = deps.auth.recoverProvider(call)
    await deps.auth.spendNonce(deps.db, provider, call.nonce, 'Error getResult: ')
    const { owner, jobId = '' } = call
    const result = await findResult(deps.db, { owner, jobId, index: readText(input, 'index') ?? '' })
    const sizeBytes = await deps.results.size(result.url)

    const etag = result.sha256 === undefined ? undefined : `"${result.sha256}"`
    response.setHeader('Accept-Ranges', 'bytes')
    response.setHeader('Access-Control-Expose-Headers', EXPOSED)
    response.setHeader('Content-Range', `bytes */${sizeBytes}`) // stays if the range turns out to lie outside
    const range = parseByteRange(wantedRange(request, etag), sizeBytes)
    if (range) response.setHeader('Content-Range', `bytes ${range.start}-${range.end}/${sizeBytes}`)
    else response.removeHeader('Content-Range')
    response.status(range ? 206 : 200)
    response.setHeader('Content-Length', range ? range.end - range.start + 1 : sizeBytes)
    response.setHeader('Content-Disposition', buildContentDisposition(result.filename))
    response.setHeader('X-Content-Type-Options', 'nosniff') // the algorithm chose name and bytes
    response.type(extname(result.filename) || 'bin')
    if (etag !== undefined) response.setHeader('ETag', etag)
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    const source = await deps.results.open(result.url, range ?? undefined)
    try {
      await pipeline(source, response)
    } catch (thrown) {
      // Half a file is on its way: the connection is cut by now, and there is nothing left to answer.
      deps.log.info({ jobId, err: toError(thrown) }, 'a result was not read to its end')
    }
  })

  router.all('/getResult', methodNotAllowed)
  return router
}

/** A range under a condition counts only if the file is still the one the caller has the rest of. */
function wantedRange(request: Request, etag: string | undefined): string | undefined {
  const condition = request.get('if-range')
  return condition === undefined || condition === etag ? request.get('range') : undefined
}
