import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { CollectedFile } from './collect.ts'
import { loadKeptLogs, putKeptLogs } from './kept-logs.ts'

const file = (path: string): CollectedFile => ({ path, sizeBytes: 1, open: () => Promise.reject(new Error(path)) })

describe('logs that the executor kept', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kept-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('are read from the private files of the step', async () => {
    await writeFile(join(folder, 'algorithm.log.gz'), gzipSync('said\n'))
    const [log, ...others] = await loadKeptLogs(folder)
    expect(others).toEqual([])
    expect(log).toMatchObject({ path: 'logs/algorithm.log', sizeBytes: 5 })
    expect(await text(await log!.open())).toBe('said\n')
  })

  it('behaviour: there are none where logs lie on the volume', async () => {
    expect(await loadKeptLogs(folder)).toEqual([])
    const files = [file('outputs/a'), file('logs/algorithm.log')]
    expect(putKeptLogs(files, [])).toEqual(files)
  })

  it('behaviour: they stand where an algorithm put something of their name, and outputs keep their places', () => {
    const forged = file('logs/algorithm.log')
    const kept = [file('logs/algorithm.log'), file('adminlogs/configure.log')]
    const put = putKeptLogs([file('outputs/b'), file('outputs.tar'), forged, file('logs/extra')], kept)
    expect(put.map(({ path }) => path)).toEqual([
      'outputs/b',
      'outputs.tar',
      'logs/algorithm.log',
      'logs/extra',
      'adminlogs/configure.log',
    ])
    expect(put).not.toContain(forged)
  })
})
