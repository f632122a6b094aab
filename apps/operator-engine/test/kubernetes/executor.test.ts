import { describeExecutor } from '../integration/executor-conformance.ts'
import { countProcesses } from '../integration/executor-process-setup.ts'
import { createTestNamespace } from './support/test-cluster.ts'

describeExecutor('kubernetes executor', async () => {
  const namespace = await createTestNamespace('conformance')
  return {
    makeExecutor: () => namespace.makeExecutor(),
    // The test cluster's node is this machine: what its pods run can be seen from here.
    countProcesses,
    // Kubelet looks once a second, and its times are whole seconds.
    backstopMs: 7_000,
    close: () => namespace.remove(),
  }
})
