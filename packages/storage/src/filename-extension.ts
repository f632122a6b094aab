import { extension } from 'mime-types'

/**
 * The name a download is offered under: with the extension of its content type where the name has none and the type
 * has one (provider-http-api §7.5).
 * @param contentType as the origin sent it, parameters and all
 */
export function withExtension(filename: string, contentType: string | null): string {
  const found = filename.includes('.') || contentType === null ? false : extension(contentType)
  return found === false ? filename : `${filename}.${found}`
}
