import { execFile } from 'node:child_process'
import { chown, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { launch } from '../process/launch.ts'
import { buildBubblewrapCommand } from './bubblewrap.ts'
import { loadHostFacts } from './host-facts.ts'
import type { HostFacts } from './host-facts.ts'
import { buildUnsandboxedCommand } from './none.ts'
import type { Sandbox } from './sandbox.ts'
import { HOST_ID, VOLUME_FOLDERS } from './sandbox.ts'
import { buildUnshareCommand } from './unshare.ts'

const PROBE_TIMEOUT_MS = 10_000
const PROBE_WORD = 'sealed'

/** Which sandboxes may be used. */
export interface DetectSandboxOptions {
  /** Whether algorithms may run unsealed where nothing else works: only for an operator's own algorithms (`ALLOW_UNSANDBOXED`). */
  readonly allowUnsandboxed: boolean
  /** Which kinds to try, in order; by default all that seal. */
  readonly kinds?: readonly ('bubblewrap' | 'unshare')[]
}

async function readVersion(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: PROBE_TIMEOUT_MS })
  return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'of unknown version'
}

/** Runs a harmless command in a sandbox. @throws Error with what it said, when it did not get to run */
async function probeSandbox(build: Sandbox['build'], ownerId: number | null): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-sandbox-probe-'))
  try {
    const dataFolder = join(folder, 'data')
    for (const { name } of VOLUME_FOLDERS) await mkdir(join(dataFolder, name), { recursive: true })
    if (ownerId !== null) await chown(join(dataFolder, 'outputs'), ownerId, ownerId)
    const scratchFolder = join(folder, 'root')
    await mkdir(scratchFolder)
    const command = build({
      command: ['sh', '-c', `echo ${PROBE_WORD} > /data/outputs/probe`],
      env: {},
      dataFolder,
      scratchFolder,
      readOnlyLogs: [],
      mark: folder,
      interpreters: [],
      maxProcesses: 32,
      tmpBytes: 1024 * 1024,
      maxFileBytes: 1024 * 1024,
    })
    const outputPath = join(folder, 'output')
    const output = await open(outputPath, 'w')
    const { child } = launch(command, output.fd)
    const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_TIMEOUT_MS)
    await new Promise((resolve) => {
      child.once('error', resolve)
      child.once('exit', resolve)
    })
    clearTimeout(timer)
    await output.close()
    const proof = await readFile(join(dataFolder, 'outputs', 'probe'), 'utf8').catch(() => '')
    if (proof.trim() !== PROBE_WORD) throw new Error((await readFile(outputPath, 'utf8')).trim() || 'it did not run')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function createBubblewrap(facts: HostFacts): Promise<Sandbox> {
  const program = facts.programs['bwrap']
  if (program === undefined) throw new Error('bwrap is not installed')
  return {
    kind: 'bubblewrap',
    description: `sandboxed by bubblewrap ${await readVersion(program)}`,
    ownerId: facts.isRoot ? HOST_ID : null,
    build: (request) => buildBubblewrapCommand(request, facts),
  }
}

async function createUnshare(facts: HostFacts): Promise<Sandbox> {
  const program = facts.programs['unshare']
  if (program === undefined) throw new Error('unshare is not installed')
  return {
    kind: 'unshare',
    description: `sandboxed by unshare of util-linux ${await readVersion(program)}`,
    ownerId: facts.isRoot ? HOST_ID : null,
    build: (request) => buildUnshareCommand(request, facts),
  }
}

/**
 * The first way to seal algorithms that really works on this machine (DESIGN §5): bubblewrap, then `unshare`. Each is tried with a harmless
 * command first, as an installed program says nothing about what the kernel or a container allows.
 * @throws Error saying what to install, and what the attempts said, where nothing works and the operator did not allow to go without
 */
export async function detectSandbox(options: DetectSandboxOptions): Promise<Sandbox> {
  const facts = await loadHostFacts()
  const failures: string[] = []
  for (const kind of options.kinds ?? ['bubblewrap', 'unshare']) {
    try {
      const sandbox = await (kind === 'bubblewrap' ? createBubblewrap(facts) : createUnshare(facts))
      await probeSandbox((request) => sandbox.build(request), sandbox.ownerId)
      return sandbox
    } catch (error) {
      failures.push(`${kind}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (options.allowUnsandboxed)
    return { kind: 'none', description: 'NOT sandboxed', ownerId: null, build: buildUnsandboxedCommand }
  throw new Error(
    `no sandbox for algorithms works on this machine (${failures.join('; ')}). Install bubblewrap (apt install bubblewrap), ` +
      'or set ALLOW_UNSANDBOXED=true if every algorithm that will run here is your own.',
  )
}
