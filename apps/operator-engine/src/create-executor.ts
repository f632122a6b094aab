import type { Config } from './config.ts'
import type { Executor } from './executor/executor.ts'
import { createProcessExecutor } from './executor/process/create-process-executor.ts'
import { detectSandbox } from './executor/sandbox/detect-sandbox.ts'
import { detectInterpreters } from './executor/sandbox/interpreters.ts'

/** The executor the configuration asks for; `process` is the only one so far. */
export async function createExecutor(config: Config): Promise<Executor> {
  return createProcessExecutor({
    root: config.workspacesFolder,
    sandbox: await detectSandbox({ allowUnsandboxed: config.allowUnsandboxed }),
    interpreters: await detectInterpreters(),
  })
}
