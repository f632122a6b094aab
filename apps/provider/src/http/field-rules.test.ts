import { AppError } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import {
  assertFields,
  integer,
  numeric,
  required,
  requiredIf,
  requiredWith,
  requiredWithAll,
  requiredWithout,
  textOf,
  valueOf,
  type FieldRule,
  type Input,
} from './field-rules.ts'

function failures(input: Input, fields: FieldRule[]): unknown {
  try {
    assertFields(input, fields)
    return null
  } catch (thrown) {
    return thrown instanceof AppError ? thrown.fields : thrown
  }
}

describe('field rules', () => {
  it.each<[string, Input, FieldRule, string[] | null]>([
    ['zero and false are present', { a: 0 }, { field: 'a', rules: [required] }, null],
    ['an empty object is not', { a: {} }, { field: 'a', rules: [required] }, ['The a field is required.']],
    [
      'nested fields are named with dots',
      { a: {} },
      { field: 'a.b', rules: [required] },
      ['The a.b field is required.'],
    ],
    [
      'required without any of the others',
      { b: 1 },
      { field: 'a', rules: [requiredWithout('b', 'c')] },
      ['The a field is required when b, c is not present.'],
    ],
    [
      'not required with all of the others',
      { b: 1, c: null },
      { field: 'a', rules: [requiredWithout('b', 'c')] },
      null,
    ],
    [
      'required with any of the others',
      { c: '' },
      { field: 'a', rules: [requiredWith('b', 'c')] },
      ['The a field is required when b, c is present.'],
    ],
    [
      'required with all of the others',
      { b: 1, c: 1 },
      { field: 'a', rules: [requiredWithAll('b', 'c')] },
      ['The a field is required when b, c are present.'],
    ],
    [
      'required for a value of another',
      { t: 'url' },
      { field: 'a', rules: [requiredIf('t', 'url')] },
      ['The a field is required when t is url.'],
    ],
    [
      'an absent field is required, but no wrong number',
      {},
      { field: 'a', rules: [required, numeric] },
      ['The a field is required.'],
    ],
    ['a fraction is a number', { a: '1700000000123.456' }, { field: 'a', rules: [numeric] }, null],
    ['nan is none', { a: 'nan' }, { field: 'a', rules: [numeric] }, ['The a must be a number.']],
    ['a sign is no integer', { a: -1 }, { field: 'a', rules: [integer] }, ['The a must be an integer.']],
  ])('%s', (_title, input, rule, messages) => {
    expect(failures(input, [rule])).toEqual(messages && { [rule.field]: messages })
  })

  it('collects failures up to the first that stops it', () => {
    const fields: FieldRule[] = ['a', 'b', 'c'].map((field) => ({ field, bail: field === 'b', rules: [required] }))
    expect(failures({}, fields)).toEqual({ a: ['The a field is required.'], b: ['The b field is required.'] })
  })

  it('behaviour: inherited members are not there', () => {
    expect(valueOf({}, 'constructor')).toBeUndefined()
    expect(valueOf({ a: {} }, 'a.toString')).toBeUndefined()
  })

  it('behaviour: texts keep the digits they were sent with', () => {
    expect(textOf({ n: '1700000000000000001' }, 'n')).toBe('1700000000000000001')
    expect(textOf({ n: 0 }, 'n')).toBe('0')
    expect(textOf({ n: '' }, 'n')).toBeUndefined()
  })
})
