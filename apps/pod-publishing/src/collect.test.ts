import { execFileSync } from 'node:child_process'
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
  appendFile,
  utimes,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { StepPublish } from '@c2d/contracts'
import { classifyResult } from './classify.ts'
import { collectFiles } from './collect.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'c2d-collect-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

const limits: StepPublish = {
  maxFiles: 100,
  maxFileBytes: 1_000_000,
  maxTotalBytes: 10_000_000,
  archive: 'none',
  manifest: false,
}

async function put(relativePath: string, content = relativePath): Promise<void> {
  await mkdir(join(root, relativePath, '..'), { recursive: true })
  await writeFile(join(root, relativePath), content)
}

const collect = (over: Partial<StepPublish> = {}) => collectFiles(root, { ...limits, ...over })
const paths = (files: readonly { path: string }[]) => files.map(({ path }) => path)

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
    expect(paths(files)).toEqual(['outputs/real'])
    expect(paths(skipped)).toEqual(['outputs/dangling', 'outputs/folder', 'outputs/link', 'outputs/outside'])
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
    expect(paths(files)).toEqual(['outputs/real'])
    expect(paths(skipped)).toEqual(['outputs/pipe', 'outputs/socket', ...(hasDevice ? ['outputs/zero'] : [])])
  })

  it('behaviour: a hard link to a file outside is left out; one to another output is a file', async () => {
    await put('inputs/secret')
    await put('outputs/one')
    await link(join(root, 'inputs/secret'), join(root, 'outputs/stolen'))
    await link(join(root, 'outputs/one'), join(root, 'outputs/two'))
    const { files, skipped } = await collect()
    expect(paths(files)).toEqual(['outputs/one', 'outputs/two'])
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

describe('names', () => {
  const raw = (name: Buffer) => Buffer.concat([Buffer.from(`${root}/outputs/`), name])

  it('behaviour: a name of 255 bytes is kept', async () => {
    const name = 'é'.repeat(127) + 'x'
    await put(`outputs/${name}`, 'long')
    expect(paths((await collect()).files)).toEqual([`outputs/${name}`])
  })

  it('behaviour: bytes that are no text, and characters that deceive, are written so that everybody can', async () => {
    await mkdir(join(root, 'outputs'))
    for (const name of [
      Buffer.from([0x61, 0xff, 0xfe, 0x62]),
      Buffer.from('line\nbreak'),
      Buffer.from('bell\x07\x1b[31m'),
      Buffer.from('csv.\u202eexe'),
      Buffer.from('back\\slash'),
      Buffer.from([0xc3]),
      Buffer.from([0xed, 0xa0, 0x80]), // half of a pair, as UTF-8 must not have it
    ]) {
      await writeFile(raw(name), name)
    }
    const { files } = await collect()
    expect(paths(files).sort()).toEqual([
      'outputs/%C3',
      'outputs/%ED%A0%80',
      'outputs/a%FF%FEb',
      'outputs/back\\slash',
      'outputs/bell%07%1B[31m',
      'outputs/csv.%E2%80%AEexe',
      'outputs/line%0Abreak',
    ])
    const odd = files.find(({ path }) => path === 'outputs/a%FF%FEb')
    expect(await buffer(await odd!.open())).toEqual(Buffer.from([0x61, 0xff, 0xfe, 0x62]))
  })

  it('behaviour: two files never become one, however alike their names are made', async () => {
    await mkdir(join(root, 'outputs'))
    await writeFile(raw(Buffer.from('a\n')), 'one')
    await writeFile(raw(Buffer.from('a%0A')), 'two')
    const { files } = await collect()
    expect(new Set(paths(files)).size).toBe(2)
    expect(await Promise.all(files.map(async (file) => (await buffer(await file.open())).toString()))).toEqual(
      expect.arrayContaining(['one', 'two']),
    )
  })

  it('behaviour: a name that grows too long by that is cut and marked', async () => {
    await mkdir(join(root, 'outputs'))
    await writeFile(raw(Buffer.alloc(255, 0xff)), 'x')
    const [file] = (await collect()).files
    expect(Buffer.byteLength(file?.path ?? '')).toBeLessThanOrEqual(255 + 'outputs/'.length)
    expect(file?.path).toMatch(/^outputs\/(%FF)+[%F]*~[0-9a-f]{8}$/)
  })
})

describe('limits', () => {
  it('behaviour: no more files than allowed; what is cut off is said', async () => {
    for (let n = 0; n < 30; n += 1) await put(`outputs/${n}`)
    const { files, refused } = await collect({ maxFiles: 20 })
    expect(files).toHaveLength(20)
    expect(refused).toEqual([
      expect.objectContaining({ path: 'outputs', why: expect.stringContaining('more than 20 files') }),
    ])
  })

  it('behaviour: a tree without end is left after a bounded number of looks', async () => {
    let folder = join(root, 'outputs')
    for (let depth = 0; depth < 200; depth += 1) folder = join(folder, 'd')
    await mkdir(folder, { recursive: true })
    for (let n = 0; n < 300; n += 1) await mkdir(join(root, 'outputs', `empty-${n}`))
    const { files, refused, unreadable } = await collect({ maxFiles: 10 })
    expect(files).toEqual([])
    expect([...refused, ...unreadable].map(({ why }) => why).join()).toMatch(/more than 100 entries/)
  })

  it('behaviour: folders within folders end somewhere', async () => {
    let folder = join(root, 'outputs')
    for (let depth = 0; depth < 200; depth += 1) folder = join(folder, 'd')
    await mkdir(folder, { recursive: true })
    const { unreadable } = await collect()
    expect(unreadable).toEqual([expect.objectContaining({ why: expect.stringContaining('folders deep') })])
  })

  it('behaviour: a sparse file counts by its size, whatever lies on the disk', async () => {
    await put('outputs/sparse', '')
    await truncate(join(root, 'outputs/sparse'), 5_000_000_000)
    const { files, refused } = await collect()
    expect(files).toEqual([])
    expect(refused).toEqual([
      expect.objectContaining({ path: 'outputs/sparse', why: expect.stringContaining('5000000000 bytes') }),
    ])
  })

  it('behaviour: what an algorithm puts beside its log is an output, under the same limits', async () => {
    await put('outputs/a.csv')
    await put('logs/algorithm.log')
    await put('logs/more.bin')
    const { files, refused } = await collect({ allowedTypes: ['.csv'] })
    expect(paths(files)).toEqual(['outputs/a.csv', 'logs/algorithm.log'])
    expect(paths(refused)).toEqual(['logs/more.bin'])
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
