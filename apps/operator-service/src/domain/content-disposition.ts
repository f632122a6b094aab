/**
 * The Content-Disposition of a result: unquoted for simple names, as the reference sends it (operator-service-api §9.3);
 * any other name quoted in ASCII, with its true form beside it (RFC 5987). File names come from algorithms: nothing of
 * one may end the header or start another parameter.
 */
export function buildContentDisposition(filename: string): string {
  if (/^[\w.-]+$/.test(filename)) return `attachment;filename=${filename}`
  const ascii = filename.replace(/[^\x20-\x7e]|["\\/%;]/gu, '_')
  return `attachment;filename="${ascii}";filename*=UTF-8''${encodeRfc5987(filename)}`
}

/** Through a buffer, because half a surrogate pair cannot be encoded. */
function encodeRfc5987(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString()).replace(
    /['()*!]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
