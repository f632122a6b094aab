import { describe, expect, it } from '@jest/globals'
import { createOpener } from './opener.ts'

const buildOpener = () => createOpener({ logFolder: '/nowhere', readLog: () => undefined })

describe('opening what must be closed', () => {
  it('behaviour: closes last opened first', async () => {
    const opener = buildOpener()
    const closed: string[] = []
    for (const name of ['database', 'service']) {
      await opener.open(
        name,
        () => Promise.resolve(name),
        (opened) => Promise.resolve(void closed.push(opened)),
      )
    }
    await opener.close()
    expect(closed).toEqual(['service', 'database'])
  })

  it('behaviour: what is still opening when the end comes is waited for, and closed', async () => {
    const opener = buildOpener()
    let finish: (value: string) => void = () => undefined
    const closed: string[] = []
    void opener.open(
      'slow',
      () => new Promise<string>((resolve) => (finish = resolve)),
      (opened) => Promise.resolve(void closed.push(opened)),
    )
    const closing = opener.close()
    finish('slow')
    await closing
    expect(closed).toEqual(['slow'])
  })

  it('behaviour: nothing is begun once the end was asked for', async () => {
    const opener = buildOpener()
    await opener.close()
    let begun = false
    const opening = opener.open(
      'late',
      () => Promise.resolve((begun = true)),
      () => Promise.resolve(),
    )
    await expect(opening).rejects.toThrow('late is not started')
    expect(begun).toBe(false)
  })

  it('error: what cannot be closed is named, after everything else was closed', async () => {
    const opener = buildOpener()
    const closed: string[] = []
    await opener.open(
      'first',
      () => Promise.resolve('first'),
      (opened) => Promise.resolve(void closed.push(opened)),
    )
    await opener.open(
      'stuck',
      () => Promise.resolve(0),
      () => Promise.reject(new Error('busy')),
    )
    await expect(opener.close()).rejects.toThrow('stuck could not be ended: busy')
    expect(closed).toEqual(['first'])
  })

  it('behaviour: what failed to open has nothing to close', async () => {
    const opener = buildOpener()
    const failing = opener.open(
      'broken',
      () => Promise.reject(new Error('no')),
      () => Promise.reject(new Error('never called')),
    )
    await expect(failing).rejects.toThrow('no')
    await opener.close()
  })
})
