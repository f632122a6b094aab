import { z } from 'zod'
import { addressSchema } from './primitives.ts'

const headersSchema = z.record(z.string(), z.string())

/** A file behind an HTTP address (provider-http-api §7.2). */
export const urlFileSchema = z.object({
  type: z.literal('url'),
  url: z.string().min(1),
  method: z.string().optional(),
  headers: headersSchema.nullish(),
})
export type UrlFile = z.infer<typeof urlFileSchema>

/** A file object as it stands, encrypted, in `services[].files`. */
export const fileObjectSchema = z.discriminatedUnion('type', [urlFileSchema])
export type FileObject = z.infer<typeof fileObjectSchema>

/** The plaintext of `services[].files` since 4.1.0: bound to its asset and datatoken, so it cannot be copied elsewhere. */
export const boundFilesSchema = z.object({
  datatokenAddress: addressSchema,
  nftAddress: addressSchema,
  files: z.array(z.unknown()).min(1),
})
export type BoundFiles = z.infer<typeof boundFilesSchema>

/** One entry of a fileinfo answer (provider-http-api §1.7). */
export const fileInfoSchema = z.object({
  index: z.number().int().nonnegative(),
  type: z.string(),
  valid: z.boolean(),
  contentLength: z.union([z.string(), z.number()]).optional(),
  contentType: z.string().optional(),
  filename: z.string().optional(),
  checksum: z.string().optional(),
  checksumType: z.string().optional(),
})
export type FileInfo = z.infer<typeof fileInfoSchema>
export const fileInfoListSchema = z.array(fileInfoSchema)
