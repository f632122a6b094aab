import { symlink, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from '@jest/globals'
import type { StoredResult } from '@c2d/contracts'
import { extract } from 'tar-stream'
import { JOB, publish, read, sha256, stores, withPut } from './testing/publishing.ts'
import { pathsOf, put, root } from './testing/volume.ts'

describe('forms of results', () => {
  it('behaviour: an archive in place of the files holds them all, their folders, and a manifest', async () => {
    await put('outputs/a.csv', 'a')
    await put('outputs/deep/folder/b.csv', 'bb')
    await put('outputs/manifest.json', 'mine')
    await put('logs/algorithm.log')
    await symlink('/etc/passwd', join(root, 'outputs/link'))
    const { rows, lost } = await publish({ archive: 'instead' })
    expect(lost).toBe(0)
    expect(pathsOf(rows)).toEqual(['outputs.tar', 'logs/algorithm.log', 'adminlogs/publish.log'])
    expect(rows[0]).toMatchObject({ filename: 'outputs.tar', type: 'output' })
    const entries = await readTar(rows[0])
    expect(Object.keys(entries)).toEqual([
      'outputs/a.csv',
      'outputs/deep/folder/b.csv',
      'outputs/manifest.json',
      'manifest.json',
    ])
    expect(entries['outputs/deep/folder/b.csv']).toBe('bb')
    expect(JSON.parse(entries['manifest.json'] ?? '')).toEqual({
      version: 1,
      jobId: JOB,
      files: [
        { path: 'outputs/a.csv', sizeBytes: 1, sha256: sha256('a') },
        { path: 'outputs/deep/folder/b.csv', sizeBytes: 2, sha256: sha256('bb') },
        { path: 'outputs/manifest.json', sizeBytes: 4, sha256: sha256('mine') },
      ],
    })
  })

  it('behaviour: beside the files it comes after them; a manifest after that', async () => {
    await put('outputs/a.csv', 'a')
    await put('logs/algorithm.log')
    const { rows } = await publish({ archive: 'beside', manifest: true })
    expect(pathsOf(rows)).toEqual([
      'outputs/a.csv',
      'outputs.tar',
      'manifest.json',
      'logs/algorithm.log',
      'adminlogs/publish.log',
    ])
    const manifest = JSON.parse(await read(rows[2])) as { files: unknown[] }
    expect(manifest.files).toEqual([
      { path: 'outputs/a.csv', sizeBytes: 1, sha256: sha256('a') },
      { path: 'outputs.tar', sizeBytes: rows[1]?.filesize, sha256: rows[1]?.sha256 },
    ])
  })

  it('behaviour: names longer than a tar header holds are whole in it', async () => {
    const name = `${'deep-folder/'.repeat(20)}${'n'.repeat(240)} é.txt`
    await put(`outputs/${name}`, 'x')
    const { rows } = await publish({ archive: 'instead' })
    expect(Object.keys(await readTar(rows[0]))).toContain(`outputs/${name}`)
  })

  it('error: an archive with a file that changed is no archive', async () => {
    await put('outputs/a', 'x'.repeat(3_000_000))
    const changing = withPut((put) => async (jobId, path, source) => {
      if (path === 'outputs.tar') source.once('data', () => void truncate(join(root, 'outputs/a'), 5))
      return put(jobId, path, source)
    })
    const { rows, lost } = await publish({ archive: 'instead', maxFileBytes: 1e7 }, changing)
    expect(lost).toBe(1)
    expect(rows.find(({ path }) => path === 'outputs.tar')).toMatchObject({
      url: '',
      failure: 'filesystem: it changed while it was read',
    })
  })

  it('behaviour: without outputs there is no archive', async () => {
    const { rows } = await publish({ archive: 'instead' })
    expect(pathsOf(rows)).toEqual(['adminlogs/publish.log'])
  })
})

async function readTar(row: StoredResult | undefined): Promise<Record<string, string>> {
  const unpack = extract()
  const entries: Record<string, string> = {}
  ;(await stores.open(row?.url ?? '')).pipe(unpack)
  for await (const entry of unpack) entries[entry.header.name] = (await buffer(entry)).toString()
  return entries
}
