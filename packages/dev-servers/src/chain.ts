import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { locateAnvil } from './anvil-binary.ts'
import { DEV_ACCOUNT_COUNT, DEV_MNEMONIC } from './dev-accounts.ts'
import { assertPortFree } from './free-port.ts'
import { spawnGuarded } from './guarded-child.ts'
import { waitUntilReady } from './wait-until-ready.ts'

/** The chain id of every development chain. */
export const DEV_CHAIN_ID = 8996

/** Where the chain listens and where its state comes from. */
export interface ChainOptions {
  /** TCP port. */
  readonly port: number
  /** Where it listens; default: 127.0.0.1. Elsewhere whoever reaches it can do anything on it. */
  readonly host?: '127.0.0.1' | '0.0.0.0'
  /** The chain continues from this file where it exists, and writes it when it is stopped. */
  readonly stateFile?: string
  /** The chain starts from this file, which must exist, and never writes it. Not together with `stateFile`. */
  readonly initialStateFile?: string
  /** Receives the chain's log lines; default: nobody. */
  readonly onLog?: (line: string) => void
}

/** A running development chain on this machine. */
export interface Chain {
  /** Its JSON-RPC endpoint. */
  readonly url: string
  readonly port: number
  readonly chainId: typeof DEV_CHAIN_ID
  /** The chain's process id. */
  readonly pid: number
  /** Ends the chain (writing `stateFile`, if any); resolves when the process is gone. Safe to repeat. */
  stop(): Promise<void>
}

/**
 * Starts anvil with the published accounts funded (reference: local chain §1): blocks are mined with each transaction.
 * It cannot outlive this process. Ready means that `eth_chainId` was answered. Throws, with the chain's last lines,
 * where the port is in use, a state file cannot be read, or the chain does not come up.
 */
export async function startChain(options: ChainOptions): Promise<Chain> {
  const { port, stateFile, initialStateFile, onLog } = options
  if (stateFile !== undefined && initialStateFile !== undefined) {
    throw new Error('a chain takes a stateFile or an initialStateFile, not both')
  }
  await assertPortFree('the chain', port)
  if (stateFile !== undefined) await mkdir(dirname(resolve(stateFile)), { recursive: true })

  const child = spawnGuarded({
    command: await locateAnvil(),
    args: [
      ...['--host', options.host ?? '127.0.0.1', '--port', String(port), '--chain-id', String(DEV_CHAIN_ID)],
      ...['--mnemonic', DEV_MNEMONIC, '--accounts', String(DEV_ACCOUNT_COUNT), '--silent'],
      ...(stateFile === undefined ? [] : ['--state', resolve(stateFile)]),
      ...(initialStateFile === undefined ? [] : ['--load-state', resolve(initialStateFile)]),
    ],
    env: { HOME: tmpdir() }, // anvil spills old state below its home
    stopSignal: 'SIGTERM',
    onLog,
  })
  const url = `http://127.0.0.1:${port}`
  await waitUntilReady(child, {
    name: 'the chain',
    probe: () => answersChainId(url),
    intervalMs: 10,
    timeoutMs: 20_000,
  })
  return {
    url,
    port,
    chainId: DEV_CHAIN_ID,
    pid: child.pid ?? 0,
    stop: async () => {
      await child.stop()
    },
  }
}

async function answersChainId(url: string): Promise<boolean> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}',
    signal: AbortSignal.timeout(2_000),
  })
  const answer: unknown = await response.json()
  return (
    typeof answer === 'object' && answer !== null && Reflect.get(answer, 'result') === `0x${DEV_CHAIN_ID.toString(16)}`
  )
}
