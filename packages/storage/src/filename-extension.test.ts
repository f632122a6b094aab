import { describe, expect, it } from '@jest/globals'
import { withExtension } from './filename-extension.ts'

describe('withExtension', () => {
  it.each([
    ['the extension of the content type', 'file', 'text/csv', 'file.csv'],
    ['the same whatever the parameters', 'file', 'application/json; charset=utf-8', 'file.json'],
    ['nothing to a name that has one', 'wages.csv', 'application/json', 'wages.csv'],
    ['nothing for a type without one', 'file', 'application/x-nobody-knows', 'file'],
    ['nothing for what is no type', 'file', '../../etc', 'file'],
    ['nothing without a type', 'file', null, 'file'],
  ])('adds %s', (_what, name, contentType, want) => {
    expect(withExtension(name, contentType)).toBe(want)
  })
})
