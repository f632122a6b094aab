import { CLUSTER_PROGRAMS, type ClusterProgram } from '../kubernetes/support/cluster-programs.ts'
import { createRandom, type Random } from './random.ts'
import { CONFIRMATIONS } from './tormented-chain.ts'

/** What a job's algorithm does. `overtime` outlasts its environment's limit, `missingInput` names a file nobody has. */
export type Behaviour = 'short' | 'failing' | 'overtime' | 'missingInput'

/** One job of a schedule; times are milliseconds from the start of the run. */
export interface ScheduledJob {
  readonly atMs: number
  readonly behaviour: Behaviour
  /** How long the algorithm works. */
  readonly lastsMs: number
  /** Whether the engines are told, or must find it by their tick. */
  readonly isNotified: boolean
  /** When its owner asks to stop it; null for never. */
  readonly stopAtMs: number | null
}

/** What is done to the system, beside ordinary use. */
export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'killEngine'; readonly engine: number; readonly downMs: number }
  | { readonly kind: 'endEngine'; readonly engine: number; readonly downMs: number }
  | { readonly kind: 'freezeEngine'; readonly engine: number; readonly forMs: number }
  | { readonly kind: 'restartPostgres'; readonly how: 'orderly' | 'crash'; readonly downMs: number }
  | { readonly kind: 'terminateBackends'; readonly oneOf: number }
  | { readonly kind: 'hogConnections'; readonly forMs: number }
  | { readonly kind: 'slowNetwork'; readonly engine: number; readonly forMs: number; readonly delayMs: number }
  | { readonly kind: 'blackHole'; readonly engine: number; readonly forMs: number }
  | { readonly kind: 'cutNetwork'; readonly engine: number }
  | { readonly kind: 'halfOpen'; readonly engine: number }
  | { readonly kind: 'killRunner'; readonly job: number; readonly step: FaultStep; readonly afterMs: number }
  | { readonly kind: 'killPod'; readonly job: number; readonly step: 'configure' | 'publish'; readonly afterMs: number }
  | { readonly kind: 'strayReports'; readonly job: number }
  | { readonly kind: 'killChain'; readonly downMs: number }
  | { readonly kind: 'freezeChain'; readonly forMs: number }
  | { readonly kind: 'dropTransactions' }
  | { readonly kind: 'takeBackBlocks'; readonly blocks: number }
  | { readonly kind: 'spendNonce'; readonly isLost: boolean }
  | { readonly kind: 'cutChain'; readonly engine: number }
  | { readonly kind: 'killProgram'; readonly program: ClusterProgram; readonly downMs: number }
)
export type FaultStep = 'configure' | 'algorithm' | 'publish'
export type FaultKind = Fault['kind']

/** Everything that will be done in one run. */
export interface Schedule {
  readonly seed: number
  /** How far each engine's clock is off, in milliseconds. */
  readonly engineSkewMs: readonly number[]
  readonly jobs: readonly ScheduledJob[]
  readonly faults: readonly Fault[]
}

const BEHAVIOURS = ['short', 'short', 'short', 'short', 'failing', 'overtime', 'missingInput'] as const

const FAULT_KINDS = [
  'killEngine',
  'killEngine',
  'endEngine',
  'freezeEngine',
  'restartPostgres',
  'terminateBackends',
  'hogConnections',
  'slowNetwork',
  'blackHole',
  'cutNetwork',
  'halfOpen',
  'killRunner',
  'killPod',
  'strayReports',
  'strayReports',
] as const satisfies readonly FaultKind[]

const CHAIN_FAULT_KINDS = [
  'killChain',
  'freezeChain',
  'dropTransactions',
  'takeBackBlocks',
  'spendNonce',
  'cutChain',
] as const satisfies readonly FaultKind[]

/** Without those that take an engine's connections for long, as too little happens then in so little time. */
const CLUSTER_FAULT_KINDS = [
  'killEngine',
  'killEngine',
  'endEngine',
  'freezeEngine',
  'freezeEngine',
  'restartPostgres',
  'terminateBackends',
  'blackHole',
  'cutNetwork',
  'halfOpen',
  'killRunner',
  'killRunner',
  'strayReports',
] as const satisfies readonly FaultKind[]

/** How much is done. */
export interface SchedulePlan {
  readonly windowMs: number
  readonly jobs: number
  readonly faults: number
  /** Longest time PostgreSQL is down, in milliseconds; the shortest is nothing. */
  readonly longestOutageMs: number
  /** What may happen; what is named twice happens twice as often. */
  readonly kinds: readonly [FaultKind, ...FaultKind[]]
  /** How long a run may take to settle once nothing is done to it any more. */
  readonly settleMs: number
  /** Whether results become assets, and orders are told of proofs, on a chain that is tormented too. */
  readonly isPublishing?: true
  /** Where steps run; absent: as processes of this machine. */
  readonly executor?: 'kubernetes'
}

/**
 * `short` fits a test suite; `outage` is little, but takes the database away for long; `publish` takes longer, as an asset is
 * three transactions, each waited for;
 * the last two are for a cluster, and `clusterShort` hurts nothing of it but what is of the run.
 */
export const PLANS = {
  short: { windowMs: 3_500, jobs: 4, faults: 6, longestOutageMs: 1_500, kinds: FAULT_KINDS, settleMs: 60_000 },
  full: { windowMs: 8_000, jobs: 8, faults: 12, longestOutageMs: 1_500, kinds: FAULT_KINDS, settleMs: 60_000 },
  outage: {
    windowMs: 3_500,
    jobs: 4,
    faults: 3,
    longestOutageMs: 19_000,
    kinds: ['restartPostgres', 'restartPostgres', 'killEngine', 'freezeEngine'],
    settleMs: 120_000,
  },
  publish: {
    windowMs: 24_000,
    jobs: 8,
    faults: 24,
    longestOutageMs: 1_500,
    kinds: [...FAULT_KINDS, ...CHAIN_FAULT_KINDS, ...CHAIN_FAULT_KINDS],
    settleMs: 300_000,
    isPublishing: true,
  },
  cluster: {
    windowMs: 25_000,
    jobs: 5,
    faults: 9,
    longestOutageMs: 1_500,
    kinds: [...CLUSTER_FAULT_KINDS, 'killProgram', 'killProgram', 'killProgram', 'killProgram'],
    settleMs: 120_000,
    executor: 'kubernetes',
  },
  clusterShort: {
    windowMs: 10_000,
    jobs: 3,
    faults: 5,
    longestOutageMs: 1_500,
    kinds: CLUSTER_FAULT_KINDS,
    settleMs: 240_000,
    executor: 'kubernetes',
  },
} as const satisfies Record<string, SchedulePlan>

/**
 * The schedule of a seed: same seed and plan, same schedule, on every machine. What the machine makes of it still
 * depends on its speed, so a seed repeats what was done, not each interleaving.
 */
export function buildSchedule(seed: number, plan: SchedulePlan): Schedule {
  const random = createRandom(seed)
  const engines = random.between(1, 3)
  return {
    seed,
    engineSkewMs: Array.from({ length: engines }, () => (random.chance(30) ? random.between(-20_000, 20_000) : 0)),
    jobs: Array.from({ length: plan.jobs }, (_, index) => buildJob(random, index, plan.windowMs)),
    faults: Array.from({ length: plan.faults }, () => buildFault(random, engines, plan)).sort(
      (one, other) => one.atMs - other.atMs,
    ),
  }
}

function buildJob(random: Random, index: number, windowMs: number): ScheduledJob {
  // The first job is always an ordinary one: a run without one would show little.
  const behaviour: Behaviour = index === 0 ? 'short' : random.pick(BEHAVIOURS)
  const atMs = random.between(0, Math.round(windowMs * 0.6))
  return {
    atMs,
    behaviour,
    lastsMs: behaviour === 'overtime' ? 60_000 : random.between(200, 1_800),
    isNotified: random.chance(70),
    stopAtMs: random.chance(25) ? atMs + random.between(0, 2_500) : null,
  }
}

function buildFault(random: Random, engines: number, plan: SchedulePlan): Fault {
  const atMs = random.between(100, plan.windowMs)
  const engine = random.between(0, engines - 1)
  const job = random.between(0, plan.jobs - 1)
  const kind = random.pick(plan.kinds)
  switch (kind) {
    case 'killEngine':
    case 'endEngine':
      return { atMs, kind, engine, downMs: random.between(0, 1_500) }
    case 'freezeEngine':
    case 'blackHole':
      return { atMs, kind, engine, forMs: random.between(200, 4_000) }
    case 'restartPostgres':
      return { atMs, kind, how: random.pick(['orderly', 'crash']), downMs: random.between(0, plan.longestOutageMs) }
    case 'terminateBackends':
      return { atMs, kind, oneOf: random.between(1, 3) }
    case 'hogConnections':
      return { atMs, kind, forMs: random.between(300, 1_500) }
    case 'slowNetwork':
      return { atMs, kind, engine, forMs: random.between(500, 3_000), delayMs: random.between(20, 400) }
    case 'cutNetwork':
    case 'halfOpen':
      return { atMs, kind, engine }
    case 'killRunner':
      return {
        atMs,
        kind,
        job,
        step: random.pick(['configure', 'algorithm', 'publish']),
        afterMs: random.between(0, 300),
      }
    case 'killPod':
      return { atMs, kind, job, step: random.pick(['configure', 'publish']), afterMs: random.between(0, 250) }
    case 'strayReports':
      return { atMs, kind, job }
    case 'killChain':
      return { atMs, kind, downMs: random.between(0, 3_000) }
    case 'freezeChain':
      return { atMs, kind, forMs: random.between(200, 4_000) }
    case 'takeBackBlocks':
      return { atMs, kind, blocks: random.between(1, CONFIRMATIONS) }
    case 'spendNonce':
      return { atMs, kind, isLost: random.between(0, 1) === 1 }
    case 'dropTransactions':
      return { atMs, kind }
    case 'cutChain':
      return { atMs, kind, engine }
    case 'killProgram':
      return { atMs, kind, program: random.pick(CLUSTER_PROGRAMS), downMs: random.between(0, 6_000) }
  }
}
