import { describe, expect, it } from '@jest/globals'
import { parseJsonLosslessly } from './json-body.ts'

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const tooDeep = expect.objectContaining({ code: 'InvalidRequest', detail: expect.stringMatching(/deeper than/) })

describe('parseJsonLosslessly', () => {
  it('behaviour: 64 levels are read, one more is refused', () => {
    expect(() => parseJsonLosslessly(nested(64))).not.toThrow()
    expect(() => parseJsonLosslessly(nested(65))).toThrow(tooDeep)
    expect(() => parseJsonLosslessly(`${'{"a":['.repeat(33)}1${']}'.repeat(33)}`)).toThrow(tooDeep)
  })

  it('error: a million levels are refused without reading them', () => {
    expect(() => parseJsonLosslessly(nested(1_000_000))).toThrow(tooDeep)
  })

  it('behaviour: brackets in texts and beside each other are no levels', () => {
    const text = JSON.stringify({
      deep: '['.repeat(500),
      quoted: '"[\\"[[',
      wide: Array.from({ length: 200 }, () => []),
    })
    expect(parseJsonLosslessly(text, { maxDepth: 3 })).toEqual(JSON.parse(text))
  })

  it('behaviour: the depth can be chosen', () => {
    expect(() => parseJsonLosslessly('[[1]]', { maxDepth: 1 })).toThrow(tooDeep)
  })

  it('error: a key named like the prototype gives no prototype', () => {
    const parsed = parseJsonLosslessly('{"__proto__":{"admin":true}}') as { admin?: boolean }
    expect(parsed.admin).toBeUndefined()
  })
})
