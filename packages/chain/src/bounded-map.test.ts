import { describe, expect, it } from '@jest/globals'
import { createBoundedMap } from './bounded-map.ts'

describe('bounded map', () => {
  it('behaviour: what was longest unused goes first', () => {
    const map = createBoundedMap<string, number>(2)
    map.set('a', 1)
    map.set('b', 2)
    expect(map.get('a')).toBe(1)
    map.set('c', 3)
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3])
  })

  it('behaviour: setting again replaces, and makes no room for nobody', () => {
    const map = createBoundedMap<string, number>(2)
    map.set('a', 1)
    map.set('b', 2)
    map.set('a', 3)
    expect([map.get('a'), map.get('b')]).toEqual([3, 2])
    map.delete('a')
    expect(map.get('a')).toBeUndefined()
  })
})
