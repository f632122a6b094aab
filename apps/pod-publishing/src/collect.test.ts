import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { classifyResult } from './classify.ts'
import { collectFiles } from './collect.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'c2d-collect-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

async function put(relativePath: string): Promise<void> {
  await mkdir(join(root, relativePath, '..'), { recursive: true })
  await writeFile(join(root, relativePath), relativePath)
}

describe('collectFiles', () => {
  it('lists outputs, then logs, then admin logs, each in byte order, sub-folders included', async () => {
    for (const path of ['adminlogs/configure.log', 'logs/algorithm.log', 'outputs/b', 'outputs/Z', 'outputs/a/deep']) {
      await put(path)
    }
    const { files } = await collectFiles(root)
    expect(files.map((file) => [file.relativePath, classifyResult(file.relativePath)])).toEqual([
      ['outputs/Z', 'output'],
      ['outputs/a/deep', 'output'],
      ['outputs/b', 'output'],
      ['logs/algorithm.log', 'algorithmLog'],
      ['adminlogs/configure.log', 'configrationLog'],
    ])
  })

  it('behaviour: leaves out links, of files and of folders, and says so', async () => {
    await put('outputs/real')
    await put('inputs/secret')
    await symlink(join(root, 'inputs/secret'), join(root, 'outputs/link'))
    await symlink(join(root, 'inputs'), join(root, 'outputs/folder'))
    const { files, leftOut } = await collectFiles(root)
    expect(files.map((file) => file.relativePath)).toEqual(['outputs/real'])
    expect(leftOut).toEqual(['outputs/folder', 'outputs/link'])
  })

  it('behaviour: a job without any folder has nothing to publish', async () => {
    expect(await collectFiles(root)).toEqual({ files: [], leftOut: [] })
  })
})
