import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { UsageError } from '../options.ts'
import { openDataFolder } from './data-folder.ts'

describe('the data folder of a run', () => {
  let parent: string
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'c2d-data-folder-'))
  })
  afterEach(() => rm(parent, { recursive: true, force: true }))

  it('default: a temporary folder, gone when removed', async () => {
    const folder = await openDataFolder(undefined)
    expect(existsSync(folder.path)).toBe(true)
    await folder.remove()
    expect(existsSync(folder.path)).toBe(false)
  })

  it('behaviour: a folder that does not exist is made', async () => {
    const folder = await openDataFolder(join(parent, 'new', 'folder'))
    expect(existsSync(folder.path)).toBe(true)
  })

  it('behaviour: a folder of an earlier run is started afresh', async () => {
    const first = await openDataFolder(join(parent, 'data'))
    await mkdir(join(first.path, 'postgres'))
    const second = await openDataFolder(join(parent, 'data'))
    expect(await readdir(second.path)).toEqual(['.c2d-local-stack'])
  })

  it('error: a folder with other files is refused, and nothing in it is touched', async () => {
    await writeFile(join(parent, 'thesis.txt'), 'years of work')
    await expect(openDataFolder(parent)).rejects.toThrow(UsageError)
    await expect(openDataFolder(parent)).rejects.toThrow('holds other files')
    expect(await readdir(parent)).toEqual(['thesis.txt'])
  })

  it('error: a file in the place of a folder is refused, as a wrong option', async () => {
    const file = join(parent, 'thesis.txt')
    await writeFile(file, 'years of work')
    await expect(openDataFolder(file)).rejects.toThrow(UsageError)
    await expect(openDataFolder(join(file, 'data'))).rejects.toThrow(`--data ${join(file, 'data')}: cannot be a folder`)
  })

  it('error: a folder that a running process uses is refused, naming the process', async () => {
    const folder = await openDataFolder(join(parent, 'data'))
    await writeFile(join(folder.path, '.c2d-local-stack'), `${process.ppid}\n`)
    await expect(openDataFolder(folder.path)).rejects.toThrow(`process ${process.ppid} uses the folder`)
  })
})
