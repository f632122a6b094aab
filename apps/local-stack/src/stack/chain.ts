import { startChain, type Chain } from '@c2d/dev-servers'
import type { Opener } from './opener.ts'
import type { WatchedServer } from './service.ts'

/** Starts the development chain, empty. */
export async function openChain(
  options: { readonly port: number },
  opener: Opener,
): Promise<{ readonly chain: Chain; readonly server: WatchedServer }> {
  const log = await opener.openLog('chain')
  const chain = await opener.open(
    'chain',
    () => startChain({ port: options.port, onLog: log.write }),
    (running) => running.stop(),
  )
  return { chain, server: { name: 'chain', pid: chain.pid, log } }
}
