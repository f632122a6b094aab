import { detectSandbox } from '../../src/executor/sandbox/detect-sandbox.ts'
import { describeExecutor } from './executor-conformance.ts'
import { setUpProcess } from './executor-process-setup.ts'
import { SANDBOXES_HERE } from './sandboxes-here.ts'

for (const kind of SANDBOXES_HERE)
  describeExecutor(`process executor with ${kind}`, async () =>
    setUpProcess(await detectSandbox({ allowUnsandboxed: false, kinds: [kind] })),
  )
