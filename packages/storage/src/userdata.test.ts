import { describe, expect, it } from '@jest/globals'
import { parseUserdata, withQuery } from './userdata.ts'

const query = (address: string, userdata: unknown) => withQuery(new URL(address), userdata).search

describe('withQuery', () => {
  it.each([
    ['an object', { city: 'Köln', limit: 3, deep: { a: 1 } }, '?city=K%C3%B6ln&limit=3&deep=%7B%22a%22%3A1%7D'],
    ['the JSON text of one', '{"city":"a b"}', '?city=a+b'],
    ['nothing of what does not decode', '{"city":', ''],
    ['nothing of an array', [1], ''],
    ['nothing of nothing', undefined, ''],
  ])('turns %s into parameters', (_what, userdata, want) => {
    expect(query('https://origin.example/x', userdata)).toBe(want)
  })

  it("behaviour: the publisher's parameters stand", () => {
    const userdata = { table: 'salaries', key: 'x', limit: 3 }
    expect(query('https://origin.example/x?table=wages&key=k', userdata)).toBe('?table=wages&key=k&limit=3')
  })
})

describe('parseUserdata', () => {
  it('gives an object, or null for nothing', () => {
    expect(parseUserdata('{"a":0}')).toEqual({ a: 0 })
    expect(parseUserdata({ a: 0 })).toEqual({ a: 0 })
    expect([undefined, null, ''].map(parseUserdata)).toEqual([null, null, null])
  })

  it.each([['{'], ['[]'], ['null'], [7], [[]]])('error: refuses %j', (userdata) => {
    expect(() => parseUserdata(userdata)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }))
  })
})
