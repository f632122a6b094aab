import { addressSchema, didSchema } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { NOT_SIGNED } from '../domain/auth/consumer-auth.ts'

/** The parameters of one request, as `requestInput` gives them. */
export type Input = Readonly<Record<string, unknown>>

/** Judges one field; null is fine. `fires` rules look at absent fields too, the others only at present ones. */
interface Rule {
  readonly looksAtAbsent: boolean
  judge(field: string, input: Input): string | null
}

/** What one field must be; `bail` stops the whole validation at this field's failure (provider-http-api §1.3). */
export interface FieldRule {
  readonly field: string
  readonly bail?: boolean
  readonly rules: readonly Rule[]
}

/** The value of a field; dotted names reach into nested objects. */
export function valueOf(input: Input, field: string): unknown {
  let value: unknown = input
  for (const part of field.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

/** A scalar as the text it was sent as; undefined for anything absent, empty or structured. */
export function textOf(input: Input, field: string): string | undefined {
  const value = valueOf(input, field)
  if (typeof value === 'string') return value === '' ? undefined : value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/**
 * Checks the fields in their order and collects the reference's messages.
 * @throws AppError `ValidationFailed` with every message (provider-http-api §1.3, E1)
 */
export function assertFields(input: Input, fields: readonly FieldRule[]): void {
  const failures: Record<string, string[]> = {}
  for (const { field, rules, bail } of fields) {
    const absent = valueOf(input, field) === undefined
    const messages = rules
      .filter((rule) => rule.looksAtAbsent || !absent)
      .map((rule) => rule.judge(field, input))
      .filter((message) => message !== null)
    if (messages.length > 0) failures[field] = messages
    if (messages.length > 0 && bail) break
  }
  if (Object.keys(failures).length > 0) throw new AppError('ValidationFailed', { fields: failures })
}

/** Present and not null, empty text, empty list or empty object; 0 and false pass. */
export const required: Rule = {
  looksAtAbsent: true,
  judge: (field, input) => (isFilled(valueOf(input, field)) ? null : `The ${field} field is required.`),
}

/** A signature where no token will do: its absence is told twice (provider-http-api §1.7, createAuthToken). */
export const requiredSignature: readonly Rule[] = [
  required,
  { looksAtAbsent: true, judge: (field, input) => (isFilled(valueOf(input, field)) ? null : NOT_SIGNED) },
]

/** Required when any of the others is absent. */
export function requiredWithout(...others: string[]): Rule {
  return conditional(
    (input) => others.some((other) => valueOf(input, other) === undefined),
    (field) => `The ${field} field is required when ${others.join(', ')} is not present.`,
  )
}

/** Required when any of the others is present. */
export function requiredWith(...others: string[]): Rule {
  return conditional(
    (input) => others.some((other) => valueOf(input, other) !== undefined),
    (field) => `The ${field} field is required when ${others.join(', ')} is present.`,
  )
}

/** Required when all of the others are present. */
export function requiredWithAll(...others: string[]): Rule {
  return conditional(
    (input) => others.every((other) => valueOf(input, other) !== undefined),
    (field) => `The ${field} field is required when ${others.join(', ')} are present.`,
  )
}

/** Required when another field has a value. */
export function requiredIf(other: string, value: string): Rule {
  return conditional(
    (input) => valueOf(input, other) === value,
    (field) => `The ${field} field is required when ${other} is ${value}.`,
  )
}

/** A decimal number, integer or not, of any size. */
export const numeric = pattern(/^\d{1,40}(\.\d{1,20})?$/, (field) => `The ${field} must be a number.`)

/** Digits only. */
export const integer = pattern(/^\d{1,15}$/, (field) => `The ${field} must be an integer.`)

/**
 * Epoch seconds that are still to come.
 * @param now epoch seconds
 */
export function future(now: () => number): Rule {
  return {
    looksAtAbsent: false,
    judge: (field, input) => (Number(textOf(input, field)) > now() ? null : 'Invalid timestamp provided.'),
  }
}

/** A DID of an Ocean asset. */
export const did = schemaRule((value) => didSchema.safeParse(value).success)

/** An address in any casing. A malformed one is refused here, where the reference fails with a 503. */
export const address = schemaRule((value) => addressSchema.safeParse(value).success)

/** One of some texts. */
export function oneOf(...values: string[]): Rule {
  return {
    looksAtAbsent: false,
    judge: (field, input) => (values.includes(textOf(input, field) ?? '') ? null : `The selected ${field} is invalid.`),
  }
}

function schemaRule(accepts: (value: unknown) => boolean): Rule {
  return {
    looksAtAbsent: false,
    judge: (field, input) => {
      const value = valueOf(input, field)
      return !isFilled(value) || accepts(value) ? null : `The ${field} format is invalid.`
    },
  }
}

function pattern(expression: RegExp, message: (field: string) => string): Rule {
  return {
    looksAtAbsent: false,
    judge: (field, input) => (expression.test(textOf(input, field) ?? '') ? null : message(field)),
  }
}

function conditional(applies: (input: Input) => boolean, message: (field: string) => string): Rule {
  return {
    looksAtAbsent: true,
    judge: (field, input) => (!applies(input) || isFilled(valueOf(input, field)) ? null : message(field)),
  }
}

function isFilled(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}
