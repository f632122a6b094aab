import type { Config } from './config.ts'
import type { Executor } from './executor/executor.ts'
import { createProcessExecutor, detectInterpreters, detectSandbox } from './executor/process/index.ts'

/** The executor the configuration asks for; `process` is the only one so far. */
export async function createExecutor(config: Config): Promise<Executor> {
  return createProcessExecutor({
    root: config.workspacesFolder,
    sandbox: await detectSandbox({ allowUnsandboxed: config.allowUnsandboxed }),
    interpreters: await detectInterpreters(),
  })
}
