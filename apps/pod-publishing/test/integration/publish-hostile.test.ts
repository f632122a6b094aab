import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { STEP_FILE } from '@c2d/contracts'
import { folder, job, POD, put, read, rowsOf, runPod } from './support/publishing-pod.ts'

describe('outputs made in bad faith', () => {
  it('behaviour: are published as far as they are files, and nothing outside of them is', async () => {
    await put('inputs/secret', 'the dataset')
    await put('outputs/good', 'good')
    const outputs = join(folder, 'data/outputs')
    await symlink(join(folder, 'data/inputs/secret'), join(outputs, 'link'))
    await symlink('/etc', join(outputs, 'etc'))
    execFileSync('mkfifo', [join(outputs, 'pipe')])
    await writeFile(Buffer.concat([Buffer.from(`${outputs}/`), Buffer.from([0xff, 0x0a, 0x61])]), 'odd')
    const run = await runPod({ archive: 'beside' })
    expect(run.exitCode).toBe(0)
    const rows = await rowsOf()
    expect(rows.map(({ path }) => path)).toEqual([
      'outputs/good',
      'outputs/%FF%0Aa',
      'outputs.tar',
      'adminlogs/publish.log',
    ])
    const stored = await Promise.all(rows.map(async ({ url }) => (await read(url)).toString()))
    expect(stored.join()).not.toMatch(/the dataset|root:x/)
    expect(stored.at(-1)).toMatch(/Left out outputs\/link: it is neither a file nor a folder/)
  })

  it('behaviour: thousands of small files go to all places', async () => {
    const outputs = join(folder, 'data/outputs')
    await mkdir(outputs, { recursive: true })
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => writeFile(join(outputs, String(n)), `file ${n}`)))
    const run = await runPod({ maxFiles: 2_000 })
    expect(run.exitCode).toBe(0)
    const rows = await rowsOf()
    expect(rows).toHaveLength(2_001)
    const some = rows.filter((_, n) => n % 97 === 0 && n < 2_000)
    for (const row of some) {
      for (const address of [row.url, ...(row.copies ?? [])]) {
        expect((await read(address)).toString()).toBe(`file ${row.filename}`)
      }
    }
  }, 120_000)
})

describe('the step', () => {
  it('error: of an option that is none it says one line, and ends with 2; --help tells those that are', () => {
    const run = (option: string) => spawnSync(process.execPath, [POD, option], { encoding: 'utf8', env: {} })
    expect(run('--credentials')).toMatchObject({ status: 2, stdout: '', stderr: "Unknown option '--credentials'\n" })
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--step-files FOLDER') })
  })

  it('error: refuses a configuration that is none, and does not tell its token', async () => {
    await put('outputs/a', 'x')
    const run = await runPod({}, { targets: [] })
    expect(run.exitCode).toBe(1)
    expect(run.output).not.toContain(job.token)
    expect(await readFile(join(folder, 'step', STEP_FILE.results), 'utf8')).toBe('{"targets":[]}')
  })
})
