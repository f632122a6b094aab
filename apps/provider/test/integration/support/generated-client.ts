import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'

// Below node_modules, so that a program in it finds what it imports.
const CACHE = fileURLToPath(new URL('../../../../../node_modules/.cache/c2d', import.meta.url))

/** What a compiled program said. */
export interface Compiled {
  /** What the compiler finds wrong; a program with problems is not to be run. */
  problems: string[]
  /** Runs it with these arguments; gives what it prints, parsed as JSON. */
  run(args: Record<string, unknown>): Promise<unknown>
  remove(): Promise<void>
}

/**
 * Makes types of a description of ours, and compiles a program against them.
 * @param program imports `paths` from './paths.ts'; its first argument, when run, is JSON
 */
export async function compileAgainst(spec: unknown, program: string): Promise<Compiled> {
  await mkdir(CACHE, { recursive: true })
  const folder = await mkdtemp(join(CACHE, 'client-'))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await writeFile(join(folder, 'paths.ts'), astToString(await openapiTS(JSON.stringify(spec))))
  await writeFile(join(folder, 'program.ts'), program)
  const compiled = ts.createProgram([join(folder, 'program.ts')], {
    strict: true,
    skipLibCheck: true,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    rewriteRelativeImportExtensions: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: [],
  })
  compiled.emit()
  return {
    problems: ts
      .getPreEmitDiagnostics(compiled)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
    async run(args) {
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.js'), JSON.stringify(args)])
      return JSON.parse(stdout) as unknown
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
