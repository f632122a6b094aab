import { openListener } from '@c2d/postgres'
import { sleep } from '@c2d/runtime'
import type { ChaosJob } from './chaos-job.ts'
import type { ChaosWorld } from './chaos-world.ts'
import { withPatience } from './patience.ts'
import type { Fault } from './schedule.ts'
import { sendStrayReports } from './stray-reports.ts'
import type { TormentedChain } from './tormented-chain.ts'
import type { Witness } from './witness.ts'

type ChainFault = Extract<
  Fault,
  { kind: 'killChain' | 'freezeChain' | 'dropTransactions' | 'takeBackBlocks' | 'spendNonce' }
>

/** What a fault needs to know. */
export interface InjectDeps {
  readonly world: ChaosWorld
  readonly jobs: readonly ChaosJob[]
  readonly witness: Witness
  /** What is done to one thing comes one after the other. */
  readonly oneByOne: (what: 'database' | 'chain' | 'place', act: () => Promise<void>) => Promise<void>
}

/**
 * Does one fault and undoes what can be undone; resolves when it is over.
 * @returns what it found wrong, for the few faults that look
 */
export async function inject(fault: Fault, { world, jobs, witness, oneByOne }: InjectDeps): Promise<string[]> {
  switch (fault.kind) {
    case 'killEngine':
    case 'endEngine': {
      const engine = world.engines[fault.engine]
      await engine?.end(fault.kind === 'killEngine' ? 'SIGKILL' : 'SIGTERM')
      await sleep(fault.downMs)
      engine?.start()
      return []
    }
    case 'freezeEngine':
      world.engines[fault.engine]?.freeze()
      await sleep(fault.forMs)
      world.engines[fault.engine]?.thaw()
      return []
    case 'restartPostgres':
      await oneByOne('database', () => world.postgres.restart(fault.how, fault.downMs))
      return []
    case 'terminateBackends':
      await withPatience(() => terminateBackends(world, fault.oneOf))
      return []
    case 'hogConnections':
      await hogConnections(world, fault.forMs)
      return []
    case 'slowNetwork':
      world.networks[fault.engine]?.delay(fault.delayMs)
      await sleep(fault.forMs)
      world.networks[fault.engine]?.delay(0)
      return []
    case 'blackHole':
      world.networks[fault.engine]?.blackHole(true)
      await sleep(fault.forMs)
      world.networks[fault.engine]?.blackHole(false)
      return []
    case 'cutNetwork':
      world.networks[fault.engine]?.cut()
      return []
    case 'halfOpen':
      world.networks[fault.engine]?.halfOpen()
      return []
    case 'killRunner':
    case 'killPod': {
      const job = jobs[fault.job]
      if (job) await world.place.strike(job, fault)
      return []
    }
    case 'strayReports': {
      const job = jobs[fault.job]
      return job ? withPatience(() => sendStrayReports(job, world, witness)) : []
    }
    case 'killChain':
    case 'freezeChain':
    case 'dropTransactions':
    case 'takeBackBlocks':
    case 'spendNonce': {
      const chain = world.publishing?.chain
      if (chain) await oneByOne('chain', () => tormentChain(fault, chain))
      return []
    }
    case 'killProgram':
      await oneByOne('place', () => world.place.killProgram(fault))
      return []
    case 'cutChain':
      world.publishing?.wires[fault.engine]?.cut()
      return []
  }
}

async function tormentChain(fault: ChainFault, chain: TormentedChain): Promise<void> {
  switch (fault.kind) {
    case 'killChain':
      return chain.restart(fault.downMs)
    case 'freezeChain':
      return chain.freeze(fault.forMs)
    case 'dropTransactions':
      return chain.dropTransactions()
    case 'takeBackBlocks':
      return chain.takeBack(fault.blocks)
    case 'spendNonce':
      return chain.spendNonce(fault.isLost)
  }
}

async function terminateBackends({ db }: ChaosWorld, oneOf: number): Promise<void> {
  await db.raw(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name NOT LIKE 'chaos%' AND pid % :oneOf = 0`,
    { oneOf },
  )
}

/** Takes every connection the server still has, and holds them. */
async function hogConnections({ databaseUrl }: ChaosWorld, forMs: number): Promise<void> {
  const taken: Awaited<ReturnType<typeof openListener>>[] = []
  try {
    for (;;) {
      const client = await openListener({ url: databaseUrl, applicationName: 'chaos hog' })
      client.on('error', () => undefined) // the server may go down under it: then there is nothing left to hold
      taken.push(client)
    }
  } catch {
    // "sorry, too many clients already" is what was wanted; a server that is down serves as well
  }
  await sleep(forMs)
  await Promise.all(taken.map((client) => client.end()))
}
