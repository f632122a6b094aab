import { AppError } from '@c2d/runtime'

/** Parameters a consumer gives for one file, by name. */
export type Userdata = Readonly<Record<string, unknown>>

/** The parameters as an object, whether sent as one or as its JSON text; null where they are neither. */
export function userdataOrNull(userdata: unknown): Userdata | null {
  const value = typeof userdata === 'string' ? parseJson(userdata) : userdata
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Userdata) : null
}

/**
 * The same for types whose request means nothing without them: none is null, but undecodable ones are refused
 * (provider-http-api §7.5).
 * @throws AppError `InvalidRequest`
 */
export function parseUserdata(userdata: unknown): Userdata | null {
  if (userdata == null || userdata === '') return null
  const parsed = userdataOrNull(userdata)
  if (parsed) return parsed
  throw new AppError('InvalidRequest', { detail: 'The userdata must be a JSON object.' })
}

/**
 * An address with the consumer's parameters. What the publisher wrote into it stands: a consumer adds parameters and
 * replaces none, so it cannot widen what the address was meant to give.
 */
export function withQuery(address: URL, userdata: unknown): URL {
  const url = new URL(address)
  const own = new Set(url.searchParams.keys())
  for (const [name, value] of Object.entries(userdataOrNull(userdata) ?? {})) {
    if (value !== undefined && !own.has(name)) url.searchParams.set(name, textOf(value))
  }
  return url
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null // no parameters: what follows decides whether that is an error
  }
}
