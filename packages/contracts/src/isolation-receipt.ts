import { z } from 'zod'

/** One address the seal gate tried, over and over. */
export const sealProbeSchema = z
  .object({
    /** What stands there: `api-server`, `dns`, `node`, `canary`, or a name of the operator's. */
    name: z.string().min(1).max(100),
    /** `host:port`. */
    address: z.string().min(1).max(300),
    /** In how many rounds it answered. */
    answers: z.number().int().nonnegative(),
  })
  .loose()
export type SealProbe = z.infer<typeof sealProbeSchema>

/**
 * Why a seal gate gave up. `Answered`: an address kept answering. `NothingToTry`: no address was left to try. `NoControl`: not even
 * the open configure pod reached the control address, so that silence means nothing. `NoMark`: staging never said that it is complete.
 */
export const SEAL_FAILURES = ['Answered', 'NothingToTry', 'NoControl', 'NoMark'] as const
export type SealFailure = (typeof SEAL_FAILURES)[number]

/** Exit codes of the seal gate; any other one is a fault of its own, and no seal either. */
export const SEAL_GATE_EXIT = { sealed: 0, wrongUse: 2, notSealed: 20, noMark: 21 } as const

/**
 * What the seal gate of an algorithm saw before its first instruction (DESIGN §4.14). Kept with the job and shown in its
 * status; it names addresses inside the operator's network, and nothing secret.
 */
export const isolationReceiptSchema = z
  .object({
    /** Whether the last rounds, all after staging was complete, found nothing that answers. */
    sealed: z.boolean(),
    /** What the algorithm may reach: nothing, or public addresses only (every dataset allows network). */
    egress: z.enum(['none', 'public']),
    probes: z.array(sealProbeSchema).max(100),
    /** Rounds in a row in which nothing answered that should not. */
    rounds: z.number().int().nonnegative(),
    /** How long the gate looked, in milliseconds: from the mark that staging is complete. */
    durationMs: z.number().nonnegative(),
    /** How many rounds there were after that mark; the last `rounds` of them were silent. */
    tried: z.number().int().nonnegative().optional(),
    /** How long the gate waited for that mark before, in milliseconds. */
    waitedMs: z.number().nonnegative().optional(),
    /** Why it is not sealed. */
    failure: z.enum(SEAL_FAILURES).optional(),
  })
  .loose()
export type IsolationReceipt = z.infer<typeof isolationReceiptSchema>
