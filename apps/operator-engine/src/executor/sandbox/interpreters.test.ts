import { describe, expect, it } from '@jest/globals'
import { selectReadOnlyPaths } from './interpreters.ts'

describe('selectReadOnlyPaths', () => {
  it('shows nothing more for an interpreter of the system', () => {
    expect(selectReadOnlyPaths(['/usr', '/usr/bin/python3.11'], '/home/ann')).toEqual([])
  })

  it('shows the prefix of one that lives in a home folder, and nothing twice', () => {
    const prefix = '/home/ann/.pyenv/versions/3.11.7'
    expect(selectReadOnlyPaths([prefix, `${prefix}/bin/python3.11`], '/home/ann')).toEqual([prefix])
  })

  it.each(['/', '/home', '/home/ann', '/opt'])('error: never shows %s', (path) => {
    expect(selectReadOnlyPaths([path], '/home/ann')).toEqual([])
  })
})
