import type { ConsumerParameter } from '@c2d/contracts'
import { describe, expect, it } from '@jest/globals'
import { fillParameters } from './consumer-parameters.ts'

const age: ConsumerParameter = { name: 'age', type: 'number', required: true }
const colour: ConsumerParameter = { name: 'colour', type: 'select', options: [{ red: 'Red' }, { blue: 'Blue' }] }
const verbose: ConsumerParameter = { name: 'verbose', type: 'boolean', default: false }
const note: ConsumerParameter = { name: 'note', type: 'text' }

describe('parameters that a publisher asks for', () => {
  it.each([
    [
      'pass as they were sent',
      [age, colour],
      { age: '12', colour: 'red', more: 1 },
      { age: '12', colour: 'red', more: 1 },
    ],
    ['pass as JSON text', [age], '{"age":12}', { age: 12 }],
    ['get their defaults', [age, verbose], { age: 1 }, { age: 1, verbose: false }],
    ['keep what was sent over a default', [verbose], { verbose: 'true' }, { verbose: 'true' }],
    ['may be missing where they are not required', [note, colour], undefined, undefined],
    ['may choose from plain options', [{ ...colour, options: [1, 2] }], { colour: 2 }, { colour: 2 }],
    ['may choose from options in JSON text', [{ ...colour, options: '[{"a":"A"}]' }], { colour: 'a' }, { colour: 'a' }],
    ['pass where their kind is not known', [{ name: 'x', type: 'date' }], { x: [] }, { x: [] }],
    ['are not looked at where nothing is asked for', [], 'anything', 'anything'],
  ])('%s', (_title, asked, sent, values) => {
    expect(fillParameters(asked, sent)).toEqual({ values })
  })

  it.each([
    ['a required one that is missing', [age], {}, "The parameter 'age' is required."],
    ['a required one that is empty', [age], { age: '' }, "The parameter 'age' is required."],
    ['a number that is none', [age], { age: 'old' }, "The parameter 'age' must be a number."],
    ['a number that is blank', [age], { age: ' ' }, "The parameter 'age' must be a number."],
    ['a truth that is none', [verbose], { verbose: 'yes' }, "The parameter 'verbose' must be true or false."],
    ['a text that is none', [note], { note: 1 }, "The parameter 'note' must be a text."],
    ['a choice that is none', [colour], { colour: 'green' }, "The parameter 'colour' must be one of: red, blue."],
    ['a list', [age], [1], 'The parameters must be an object, or the JSON text of one.'],
    ['a text that is no JSON', [age], 'age=1', 'The parameters must be an object, or the JSON text of one.'],
  ])('error: %s', (_title, asked, sent, problem) => {
    expect(fillParameters(asked, sent)).toEqual({ problem })
  })
})
