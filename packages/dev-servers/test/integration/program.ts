import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOM = fileURLToPath(new URL('../..', import.meta.url))

/** Another process that uses this package's source. */
export interface Program {
  readonly process: ChildProcess
  /** What it says about itself: the first line it prints, as JSON. Rejects, with its error output, if it ends before. */
  readonly said: Promise<unknown>
}

/**
 * Runs TypeScript in a process of its own, as a module of `folder` (default: this package's), which is where it looks
 * for the server packages. It sees `src` as './src/…' and speaks by one JSON line on standard output.
 */
export async function runProgram(source: string, folder = ROOM): Promise<Program> {
  const bundle = await build({
    stdin: { contents: source, resolveDir: ROOM, loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    external: ['pg-native'],
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
  })
  const child = spawn(process.execPath, ['--input-type=module', '-'], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(bundle.outputFiles[0]?.text)
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const said = new Promise<unknown>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)))
    child.once('close', (code) => reject(new Error(`the program ended (exit code ${code}) ${errors}`)))
  })
  return { process: child, said }
}
