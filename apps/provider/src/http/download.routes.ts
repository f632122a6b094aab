import { AUTH_TOKEN_HEADER, DOWNLOAD_TOKEN_HEADER, downloadMessage, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { requestInput } from '@c2d/http-kit'
import { openSource, type OpenedSource } from '@c2d/storage'
import { AppError } from '@c2d/runtime'
import { Router, type Response } from 'express'
import type { ProofQueue } from '../clients/proof-queue.ts'
import type { Rbac } from '../clients/rbac.ts'
import type { AuthoriseDownload } from '../domain/access/authorise-download.ts'
import type { ConsumerAuth } from '../domain/auth/consumer-auth.ts'
import { describeDownload } from '../domain/access/describe-download.ts'
import type { FileAccess } from '../domain/access/file-access.ts'
import { networkText } from '../domain/chains/network-name.ts'
import { createByteCounter } from './count-bytes.ts'
import { downloadFilename } from './download-filename.ts'
import { address, assertFields, integer, numeric, required, textOf, valueOf, type FieldRule } from './field-rules.ts'
import { handle } from './handle.ts'
import { refuseHead } from './refuse-head.ts'
import { pipeBody } from './stream-result.ts'

const TARGET_FIELDS: FieldRule[] = [
  { field: 'documentId', bail: true, rules: [required] },
  { field: 'serviceId', rules: [required] },
  { field: 'consumerAddress', bail: true, rules: [required, address] },
  { field: 'transferTxId', bail: true, rules: [required] },
  { field: 'fileIndex', rules: [required, integer] },
]
const SIGNED_FIELDS: FieldRule[] = [...TARGET_FIELDS, { field: 'nonce', bail: true, rules: [required, numeric] }]

/**
 * `GET /download`: one file of an ordered service, streamed from its origin, which is asked once
 * (provider-http-api §1.7, §7.5). A job download token takes the place of signature and nonce (DESIGN §4.6).
 */
export function downloadRoutes(deps: {
  auth: ConsumerAuth
  authorise: AuthoriseDownload
  files: FileAccess
  rbac: Rbac | null
  /** Where what was downloaded is noted; null notes nothing. */
  proofs: ProofQueue | null
}): Router {
  const router = Router()
  router.get(
    PROVIDER_ENDPOINTS.download[1],
    handle(async (request, response) => {
      const input = requestInput(request)
      const token = request.get(DOWNLOAD_TOKEN_HEADER)
      assertFields(input, token === undefined ? SIGNED_FIELDS : TARGET_FIELDS)
      refuseHead(request)
      const documentId = textOf(input, 'documentId') ?? ''
      const serviceId = textOf(input, 'serviceId') ?? ''
      const consumerAddress = textOf(input, 'consumerAddress') ?? ''
      const transferTxId = textOf(input, 'transferTxId') ?? ''
      const fileIndex = Number(textOf(input, 'fileIndex'))
      const [signature, nonce] = [textOf(input, 'signature'), textOf(input, 'nonce') ?? '']
      if (token === undefined) {
        await deps.auth.assertSigned({
          address: consumerAddress,
          signature,
          prefix: downloadMessage({ documentId, nonce: '' }),
          nonce,
          authToken: request.get(AUTH_TOKEN_HEADER),
        })
        // The files of a job were asked about when the job was started, in the name of its owner.
        await deps.rbac?.assertAllowed({
          eventType: 'access',
          consumerAddress,
          subject: { did: documentId, serviceId },
        })
      }
      const { file, userdata, network, place } = await deps.authorise({
        documentId,
        consumerAddress,
        serviceId,
        transferTxId,
        fileIndex,
        userdata: valueOf(input, 'userdata'),
        token,
      })
      const gone = new AbortController()
      response.on('close', () => gone.abort())
      const asked = { range: request.get('range'), ifRange: request.get('if-range') }
      const source = await openSource(file, { ...deps.files, ...asked, userdata, signal: gone.signal })
      assertServed(source, network)
      writeHead(response, source)
      // A job's own downloads are told by the job; a proof is about what a consumer got.
      if (!deps.proofs || token !== undefined) return pipeBody(source.body, response)
      const counter = createByteCounter()
      await pipeBody(source.body, response, counter.stream)
      const said = { documentId, serviceId, fileIndex, transferTxId, consumerAddress, nonce, signature }
      deps.proofs.add(describeDownload({ ...said, place, bytes: counter.count() }))
    }),
  )
  return router
}

/** @throws AppError when the origin answered something other than the file */
function assertServed(source: OpenedSource, network: string): void {
  if (source.status === 200 || source.status === 206) return
  source.body.destroy()
  if (source.status === 416) throw new AppError('RangeNotSatisfiable')
  const text = 'Asset URL not found, not available or invalid.'
  throw new AppError('FilesUnavailable', { detail: networkText(network, text) })
}

function writeHead(response: Response, source: OpenedSource): void {
  const filename = downloadFilename(source.filename, source.contentType)
  response.status(source.status)
  // Clients read the name by `attachment;filename=(.+)`: no blank, no quotes (ocean-js-client §4).
  response.setHeader('Content-Disposition', `attachment;filename=${filename}`)
  response.setHeader('Access-Control-Expose-Headers', 'Content-Disposition')
  response.setHeader('Content-Type', source.contentType ?? 'application/octet-stream')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  if (source.contentLength !== null) response.setHeader('Content-Length', source.contentLength)
  if (source.contentRange !== null) response.setHeader('Content-Range', source.contentRange)
  if (source.etag !== null) response.setHeader('ETag', source.etag)
  if (source.lastModified !== null) response.setHeader('Last-Modified', source.lastModified)
}
