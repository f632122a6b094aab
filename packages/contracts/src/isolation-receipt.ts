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
    /** How long the gate looked, in milliseconds. */
    durationMs: z.number().nonnegative(),
  })
  .loose()
export type IsolationReceipt = z.infer<typeof isolationReceiptSchema>
