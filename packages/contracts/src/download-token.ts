import { z } from 'zod'
import { addressSchema, didSchema, jobIdSchema, transactionHashSchema } from './primitives.ts'

/** The request header that carries a job download token. */
export const DOWNLOAD_TOKEN_HEADER = 'C2D-Download-Token'

/**
 * What the environment's key grants to one configure step: these files of this service, for this job, until then
 * (DESIGN §4.6). The key itself never enters a pod.
 */
export const downloadGrantSchema = z.object({
  jobId: jobIdSchema,
  environment: z.string(),
  consumerAddress: addressSchema,
  transferTxId: transactionHashSchema,
  did: didSchema,
  serviceId: z.string(),
  /** Epoch seconds. */
  expiresAt: z.number().int().positive(),
})
export type DownloadGrant = z.infer<typeof downloadGrantSchema>

/** Packs a grant and its signature into the text of the header: two base64url parts. */
export function formatDownloadToken(grant: DownloadGrant, signature: string): string {
  return `${Buffer.from(JSON.stringify(grant)).toString('base64url')}.${Buffer.from(signature).toString('base64url')}`
}

/**
 * Unpacks a header. The grant is untrusted until the signature over `downloadGrantMessage(grant)` is verified.
 * @returns null when the text is not a token at all
 */
export function parseDownloadToken(text: string): { grant: DownloadGrant; signature: string } | null {
  const [grantPart, signaturePart, ...rest] = text.split('.')
  if (!grantPart || !signaturePart || rest.length > 0) return null
  try {
    const grant = downloadGrantSchema.safeParse(JSON.parse(Buffer.from(grantPart, 'base64url').toString('utf8')))
    return grant.success
      ? { grant: grant.data, signature: Buffer.from(signaturePart, 'base64url').toString('utf8') }
      : null
  } catch {
    return null // not JSON: not a token
  }
}
