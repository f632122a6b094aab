import { toError } from './app-error.ts'
import { ConfigError } from './load-config.ts'

/**
 * Runs a process's main function; what it cannot handle is said once on stderr and ends the process.
 * Exit code 2 for a configuration an operator must mend, 1 for everything else.
 */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (thrown) {
    const error = toError(thrown)
    process.stderr.write(`${error instanceof ConfigError ? error.message : (error.stack ?? error.message)}\n`)
    process.exit(error instanceof ConfigError ? 2 : 1)
  }
}
