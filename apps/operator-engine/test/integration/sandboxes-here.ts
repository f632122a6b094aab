import { detectSandbox } from '../../src/executor/sandbox/detect-sandbox.ts'

type SandboxKind = 'bubblewrap' | 'unshare'

/**
 * The sandboxes this machine has; each is tested. One that is missing is said in one line; with none at all the tests
 * that would attack it fail, they do not pass by default.
 */
export const SANDBOXES_HERE: readonly SandboxKind[] = await findSandboxes()

async function findSandboxes(): Promise<SandboxKind[]> {
  const found: SandboxKind[] = []
  for (const kind of ['bubblewrap', 'unshare'] as const) {
    try {
      await detectSandbox({ allowUnsandboxed: false, kinds: [kind] })
      found.push(kind)
    } catch (error) {
      process.stderr.write(`the tests of ${kind} do not run here: ${error instanceof Error ? error.message : kind}\n`)
    }
  }
  return found.length > 0 ? found : ['bubblewrap', 'unshare']
}
