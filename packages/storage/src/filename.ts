/**
 * The name to offer for a file: the origin's own, else the last part of its path; never a query string (it may hold
 * keys), never a folder, never a character that could break out of a header.
 * @param disposition the origin's Content-Disposition, if any
 * @param pathname path of the address, percent-encoded
 */
export function chooseFilename(disposition: string | null, pathname: string): string {
  const given = disposition === null ? null : filenameOfDisposition(disposition)
  return cleanFilename(given ?? decoded(pathname.split('/').at(-1) ?? '')) || 'file'
}

/** A name without folders, control characters, quotes and separators; may be empty. */
export function cleanFilename(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? ''
  const cleaned = Array.from(base)
    .filter((character) => character >= ' ' && character !== '\u007f' && !'";'.includes(character))
    .join('')
    .trim()
  return /^\.+$/.test(cleaned) ? '' : cleaned.slice(0, 255)
}

function filenameOfDisposition(disposition: string): string | null {
  const extended = /filename\*\s*=\s*utf-8''([^;]+)/i.exec(disposition)?.[1]
  if (extended) return decoded(extended.trim())
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i.exec(disposition)
  return plain ? (plain[1] ?? plain[2] ?? '').trim() : null
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
