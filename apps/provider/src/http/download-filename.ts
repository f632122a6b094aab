const EXTENSIONS: Record<string, string> = {
  'application/gzip': '.gz',
  'application/json': '.json',
  'application/pdf': '.pdf',
  'application/xml': '.xml',
  'application/zip': '.zip',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'text/csv': '.csv',
  'text/html': '.html',
  'text/javascript': '.js',
  'text/plain': '.txt',
}

/**
 * The name a download is offered under: the origin's, with the extension of its content type where it has none
 * (provider-http-api §7.5). Header-safe: characters a header cannot hold are percent-encoded.
 */
export function downloadFilename(name: string, contentType: string | null): string {
  const extension = name.includes('.') ? '' : (EXTENSIONS[contentType?.split(';')[0]?.trim().toLowerCase() ?? ''] ?? '')
  return `${name}${extension}`.replace(/[^\x20-\x7e]+/g, (text) => encodeURIComponent(Buffer.from(text).toString()))
}
