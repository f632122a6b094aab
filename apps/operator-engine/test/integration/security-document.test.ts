import { access, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'

const ROOT = join(import.meta.dirname, '../../../..')
const ATTACKS = join(import.meta.dirname, '../attacks')
/** The places that the document's letters stand for. */
const FOLDERS: Record<string, string> = {
  E: 'apps/operator-engine/test',
  P: 'apps/provider/test/integration',
  D: 'packages/operator-db/test/integration',
}

const exists = (path: string): Promise<boolean> =>
  access(join(ROOT, path)).then(
    () => true,
    () => false,
  )

/** Paths of the tests that a cell of the document names: after a letter all up to the next semicolon are its. */
function listNamed(cell: string): string[] {
  return cell.split(';').flatMap((part) => {
    const folder = FOLDERS[/(?:^|\s)([EPD]) `/.exec(part)?.[1] ?? '']
    return [...part.matchAll(/`([^`\s]+)`/g)].flatMap(([, name = '']) => {
      if (/\.(py|sh)$/.test(name)) return [`apps/operator-engine/test/attacks/${name}`]
      if (/^(apps|packages)\//.test(name)) return [name]
      return folder ? [`${folder}/${name}`] : []
    })
  })
}

describe('docs/security.md', () => {
  it('behaviour: names tests that are there, in every row of what is tried', async () => {
    const text = await readFile(join(ROOT, 'docs/security.md'), 'utf8')
    const missing: string[] = []
    let rows = 0
    for (const table of text.split(/^#+ /m)) {
      const cells = table.split('\n').flatMap((line) => (/^\| (?!-)/.test(line) ? [line.split('|').at(-2) ?? ''] : []))
      if (cells.shift()?.trim() !== 'the test') continue
      for (const cell of cells) {
        rows += 1
        const named = listNamed(cell)
        if (named.length === 0 && !cell.includes('the same')) missing.push(`a row names none: ${cell}`)
        for (const path of named) {
          const found = await Promise.all([exists(path), exists(`${path}.test.ts`)])
          if (!found.includes(true)) missing.push(path)
        }
      }
    }
    expect(missing).toEqual([])
    expect(rows).toBeGreaterThan(25)
  })

  it('behaviour: leaves out no attack that there is', async () => {
    const text = await readFile(join(ROOT, 'docs/security.md'), 'utf8')
    const attacks = (await readdir(ATTACKS)).filter((name) => /\.(py|sh)$/.test(name) && name !== 'prelude.py')
    expect(attacks.filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  })
})
