import { describe, expect, it } from '@jest/globals'
import { consumerStorageSchema } from './consumer-output.ts'

const storageWith = (headers: Record<string, string>) => ({ type: 'url', url: 'https://s.example/f/', headers })

describe('a consumer’s own storage', () => {
  it('gets the headers that its owner names', () => {
    const headers = { Authorization: 'Bearer k', 'x-content-length': '5' }
    expect(consumerStorageSchema.safeParse(storageWith(headers)).success).toBe(true)
  })

  it.each(['Content-Length', 'content-length', 'a b', ''])('error: %j is none of them', (name) => {
    expect(consumerStorageSchema.safeParse(storageWith({ [name]: '5' })).success).toBe(false)
  })
})
