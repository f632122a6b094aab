import { z } from 'zod'

/** Where the configure pod tells the seal gate that staging is complete: below the volume, shown to our own containers only. */
export const SEAL_MARK = { folder: 'seal', file: 'staged.json' } as const

/**
 * The mark that staging is complete, verified and reported (DESIGN §4.14), with the positive control: whether the pod
 * that wrote it, which is open, reached the address whose silence the gate then takes for a seal.
 */
export const sealMarkSchema = z.object({
  /** Which job it belongs to: what the executor gave to both containers. */
  id: z.string(),
  control: z.object({
    /** `ip:port` */
    address: z.string(),
    reached: z.boolean(),
  }),
})
export type SealMark = z.infer<typeof sealMarkSchema>
