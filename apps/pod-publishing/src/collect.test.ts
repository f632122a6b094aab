import { execFileSync } from 'node:child_process'
import { appendFile, chmod, link, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from '@jest/globals'
import { classifyResult } from './classify.ts'
import { collectFiles } from './collect.ts'
import { LIMITS, pathsOf, put, root } from './testing/volume.ts'

const collect = () => collectFiles(root, LIMITS)

describe('collectFiles', () => {
  it('lists outputs, then logs, then admin logs, each in byte order, sub-folders included', async () => {
    for (const path of ['adminlogs/configure.log', 'logs/algorithm.log', 'outputs/b', 'outputs/Z', 'outputs/a/deep']) {
      await put(path)
    }
    const { files } = await collect()
    expect(files.map((file) => [file.path, classifyResult(file.path)])).toEqual([
      ['outputs/Z', 'output'],
      ['outputs/a/deep', 'output'],
      ['outputs/b', 'output'],
      ['logs/algorithm.log', 'algorithmLog'],
      ['adminlogs/configure.log', 'configrationLog'],
    ])
    for (const file of files) expect((await buffer(await file.open())).toString()).toBe(file.path)
  })

  it('behaviour: a job without any folder has nothing to publish', async () => {
    expect(await collect()).toEqual({ files: [], skipped: [], refused: [], unreadable: [] })
  })

  it('behaviour: the log of this step is its own, and not read from the volume', async () => {
    await put('adminlogs/publish.log')
    expect((await collect()).files).toEqual([])
  })
})

describe('what is no file', () => {
  it('behaviour: links are left out, of files and of folders, and said so', async () => {
    await put('outputs/real')
    await put('inputs/secret')
    await symlink(join(root, 'inputs/secret'), join(root, 'outputs/link'))
    await symlink('/etc/passwd', join(root, 'outputs/outside'))
    await symlink(join(root, 'inputs'), join(root, 'outputs/folder'))
    await symlink('nowhere', join(root, 'outputs/dangling'))
    const { files, skipped } = await collect()
    expect(pathsOf(files)).toEqual(['outputs/real'])
    expect(pathsOf(skipped)).toEqual(['outputs/dangling', 'outputs/folder', 'outputs/link', 'outputs/outside'])
  })

  it('behaviour: the outputs folder itself may not be a link', async () => {
    await put('inputs/secret')
    await symlink(join(root, 'inputs'), join(root, 'outputs'))
    const { files, skipped } = await collect()
    expect(files).toEqual([])
    expect(skipped).toEqual([expect.objectContaining({ path: 'outputs', why: expect.stringContaining('link') })])
  })

  it('behaviour: pipes, sockets and devices are left out, and nobody waits for them', async () => {
    await put('outputs/real')
    execFileSync('mkfifo', [join(root, 'outputs/pipe')])
    const socket = createServer().listen(join(root, 'outputs/socket'))
    await new Promise((resolve) => socket.once('listening', resolve))
    const hasDevice = makeDevice(join(root, 'outputs/zero'))
    const { files, skipped } = await collect()
    await new Promise((resolve) => socket.close(resolve))
    expect(pathsOf(files)).toEqual(['outputs/real'])
    expect(pathsOf(skipped)).toEqual(['outputs/pipe', 'outputs/socket', ...(hasDevice ? ['outputs/zero'] : [])])
  })

  it('behaviour: a hard link to a file outside is left out; one to another output is a file', async () => {
    await put('inputs/secret')
    await put('outputs/one')
    await link(join(root, 'inputs/secret'), join(root, 'outputs/stolen'))
    await link(join(root, 'outputs/one'), join(root, 'outputs/two'))
    const { files, skipped } = await collect()
    expect(pathsOf(files)).toEqual(['outputs/one', 'outputs/two'])
    expect(skipped).toEqual([
      expect.objectContaining({ path: 'outputs/stolen', why: expect.stringContaining('another name') }),
    ])
  })

  it('behaviour: a folder that cannot be opened is a loss, not nothing', async () => {
    await put('outputs/locked/a')
    await chmod(join(root, 'outputs/locked'), 0)
    const { unreadable } = await collect()
    await chmod(join(root, 'outputs/locked'), 0o700)
    if (process.getuid?.() === 0) return // root opens everything
    expect(unreadable).toEqual([expect.objectContaining({ path: 'outputs/locked' })])
  })
})

describe('files that change under us', () => {
  const read = async (file: { open: () => Promise<Readable> }) => buffer(await file.open())
  const firstOf = async () => (await collect()).files[0]!

  it('error: one that grows for ever is not read for ever', async () => {
    await put('outputs/a', 'x'.repeat(600_000))
    const file = await firstOf()
    const reading = await file.open()
    let readBytes = 0
    const read = (async () => {
      for await (const piece of reading) {
        readBytes += (piece as Buffer).length
        await appendFile(join(root, 'outputs/a'), 'y'.repeat(600_000))
      }
    })()
    await expect(read).rejects.toThrow('it changed while it was read')
    expect(readBytes).toBeLessThanOrEqual(600_000)
  })

  it('error: one that shrinks, or is written to in place, is not taken for a file', async () => {
    await put('outputs/a', 'x'.repeat(600_000))
    const shrinking = await (await firstOf()).open()
    await expect(
      (async () => {
        for await (const _piece of shrinking) await truncate(join(root, 'outputs/a'), 10)
      })(),
    ).rejects.toThrow('it changed while it was read')
    await put('outputs/a', 'x'.repeat(600_000))
    const rewritten = await (await firstOf()).open()
    await expect(
      (async () => {
        for await (const _piece of rewritten) {
          await writeFile(join(root, 'outputs/a'), 'z'.repeat(600_000))
          await utimes(join(root, 'outputs/a'), 0, 0)
        }
      })(),
    ).rejects.toThrow('it changed while it was read')
  })

  it('error: one that grew since it was held to its limits is not stored', async () => {
    await put('outputs/a', 'small')
    const file = await firstOf()
    await truncate(join(root, 'outputs/a'), 5_000_000_000)
    await expect((async () => buffer(await file.open()))()).rejects.toThrow('it changed while it was read')
  })

  it('error: a folder that is swapped for a link after it was listed leads nowhere', async () => {
    await put('outputs/sub/passwd', 'mine')
    const file = await firstOf()
    await rename(join(root, 'outputs/sub'), join(root, 'outputs/was'))
    await symlink('/etc', join(root, 'outputs/sub'))
    await expect(read(file)).rejects.toThrow(/link/)
  })

  it('error: so does the file itself, and one that became a pipe keeps nobody waiting', async () => {
    await put('outputs/a')
    const file = await firstOf()
    await rm(join(root, 'outputs/a'))
    await symlink('/etc/passwd', join(root, 'outputs/a'))
    await expect(read(file)).rejects.toThrow('it is a link')
    await rm(join(root, 'outputs/a'))
    execFileSync('mkfifo', [join(root, 'outputs/a')])
    await expect(read(file)).rejects.toThrow('not a regular file')
    await rm(join(root, 'outputs/a'))
    await expect(read(file)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

/** Only root may; without it there is nothing to meet either. */
function makeDevice(path: string): boolean {
  try {
    execFileSync('mknod', [path, 'c', '1', '5'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
