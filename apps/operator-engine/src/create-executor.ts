import type { Logger } from '@c2d/runtime'
import type { Config } from './config.ts'
import type { Executor } from './executor/executor.ts'
import { createProcessExecutor } from './executor/process/create-process-executor.ts'
import { detectSandbox } from './executor/sandbox/detect-sandbox.ts'
import { detectInterpreters } from './executor/sandbox/interpreters.ts'

/** The executor the configuration asks for. @throws Error when what it needs is not there */
export async function createExecutor(config: Config, log: Logger): Promise<Executor> {
  if (config.cluster) {
    // The cluster's client is large; whoever runs processes does without it.
    const { openClusterExecutor } = await import('./executor/kubernetes/open-cluster-executor.ts')
    return openClusterExecutor(config.cluster, log)
  }
  return createProcessExecutor({
    root: config.workspacesFolder,
    sandbox: await detectSandbox({ allowUnsandboxed: config.allowUnsandboxed }),
    interpreters: await detectInterpreters(),
  })
}
