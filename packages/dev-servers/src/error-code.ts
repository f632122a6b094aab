/**
 * The `code` of a system or database error, or '' where there is none. Asked of the property alone: errors made by Node
 * are not `instanceof Error` inside jest, whose globals are its own.
 */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
