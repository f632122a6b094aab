import { toError } from './app-error.ts'
import { ConfigError } from './load-config.ts'
import { UsageError } from './usage-error.ts'

/**
 * Runs a process's main function; what it cannot handle is said once on stderr and ends the process.
 * Exit code 2 for options or a configuration that somebody must mend, said without a stack; 1 for everything else.
 */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (thrown) {
    const error = toError(thrown)
    const isTheirs = error instanceof ConfigError || error instanceof UsageError
    process.stderr.write(`${isTheirs ? error.message : (error.stack ?? error.message)}\n`)
    process.exit(isTheirs ? 2 : 1)
  }
}
