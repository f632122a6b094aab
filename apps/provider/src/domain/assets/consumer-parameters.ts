import type { ConsumerParameter } from '@c2d/contracts'

/** Parameters that fit, with the publisher's defaults filled in; or the sentence of what is wrong with which. */
export type FilledParameters = { values: unknown } | { problem: string }

/**
 * Holds what a consumer sent against what a publisher asks for (provider-http-api §6.4, W46). Values stay as they were
 * sent, and members nobody asked for pass: algorithms read both.
 * @param asked the service's or the algorithm's `consumerParameters`; without any, everything passes untouched
 * @param sent an object, or the JSON text of one; empty and absent are the same
 */
export function fillParameters(
  asked: readonly ConsumerParameter[] | null | undefined,
  sent: unknown,
): FilledParameters {
  if (!asked || asked.length === 0) return { values: sent }
  const given = readObject(sent)
  if (!given) return { problem: 'The parameters must be an object, or the JSON text of one.' }
  const values: Record<string, unknown> = { ...given }
  for (const parameter of asked) {
    const { name } = parameter
    if (isEmpty(values[name]) && !isEmpty(parameter.default)) values[name] = parameter.default
    const problem = isEmpty(values[name]) ? refuseAbsent(parameter) : refuseValue(parameter, values[name])
    if (problem) return { problem: `The parameter '${name}' ${problem}.` }
  }
  // Nobody filled anything in: what was not sent stays not sent.
  return { values: Object.keys(values).length === 0 ? sent : values }
}

function refuseAbsent(parameter: ConsumerParameter): string | null {
  return parameter.required === true ? 'is required' : null
}

function refuseValue(parameter: ConsumerParameter, value: unknown): string | null {
  switch (parameter.type) {
    case 'text':
      return typeof value === 'string' ? null : 'must be a text'
    case 'number':
      return isNumber(value) ? null : 'must be a number'
    case 'boolean':
      return value === true || value === false || value === 'true' || value === 'false' ? null : 'must be true or false'
    case 'select': {
      const choices = readChoices(parameter.options)
      return isPlain(value) && choices.includes(String(value)) ? null : `must be one of: ${choices.join(', ')}`
    }
    default:
      return null // a kind we do not know is for the algorithm to judge
  }
}

function isNumber(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
}

/** Whether a value has a text of its own; an object's is whatever its sender makes of it, or none. */
function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** What may be chosen: publishers write `[{value: label}]`, plain values, or a JSON text of either. */
function readChoices(options: unknown): string[] {
  const list = typeof options === 'string' ? parseJson(options) : options
  if (!Array.isArray(list)) return []
  return list.flatMap((option: unknown) =>
    typeof option === 'object' && option !== null ? Object.keys(option) : [String(option)],
  )
}

function readObject(sent: unknown): Record<string, unknown> | null {
  if (isEmpty(sent)) return {}
  const value = typeof sent === 'string' ? parseJson(sent) : sent
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null // not JSON: no parameters, and no choices
  }
}
