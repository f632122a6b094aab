import { detectSandbox } from '../../src/executor/sandbox/detect-sandbox.ts'
import { describeExecutor } from './executor-conformance.ts'
import { setUpProcess } from './executor-process-setup.ts'

for (const kind of ['bubblewrap', 'unshare'] as const)
  describeExecutor(`process executor with ${kind}`, async () =>
    setUpProcess(await detectSandbox({ allowUnsandboxed: false, kinds: [kind] })),
  )
