import { canonicalize } from 'json-canonicalize'

/**
 * The one text of a value by RFC 8785: the same facts are the same bytes, whoever writes them.
 * @param value what JSON can hold: parsed by a schema before it comes here
 */
export function canonicalJson(value: object): string {
  return canonicalize(value)
}
