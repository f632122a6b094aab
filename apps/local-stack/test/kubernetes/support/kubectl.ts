import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const TIMEOUT_MS = 120_000

const kubeconfig = process.env['C2D_TEST_KUBECONFIG']
if (!kubeconfig) throw new Error('C2D_TEST_KUBECONFIG names no cluster: nothing here runs on whatever KUBECONFIG means')

/** The address of the test cluster's node, at which its pods reach this machine. */
export const NODE_ADDRESS = process.env['C2D_TEST_NODE_ADDRESS'] ?? '10.123.0.1'

/** Speaks to the cluster that tests may use. Gives what was printed. @throws with what the program complained of */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('kubectl', ['--kubeconfig', kubeconfig ?? '', ...args], { timeout: TIMEOUT_MS })
  return stdout
}
