import { devWallet } from '@c2d/dev-servers'

/** The compute environments of the stack. Each has an address of its own: orders name it as their consumer. */
export const ENVIRONMENTS = {
  free: { id: 'local-free', priceMin: 0, accountIndex: 4, desc: 'free, for trying out' },
  paid: { id: 'local-paid', priceMin: 0.1, accountIndex: 5, desc: '0.1 OCEAN a minute' },
} as const

/** Room for results that became assets. */
const DERIVED_BYTES = 1024 ** 3

/** What the engine is told of them: the value of its `ENVIRONMENTS`. */
export function buildEnvironmentList(): string {
  return JSON.stringify(
    Object.values(ENVIRONMENTS).map(({ id, priceMin, accountIndex, desc }) => ({
      id,
      privateKey: devWallet(accountIndex).privateKey,
      priceMin,
      desc,
      cpuNumber: 1,
      ramGB: 1,
      diskGB: 1,
      maxJobs: 4,
      maxJobDuration: 600,
      storageExpiry: 0,
      derivedAssets: { maxBytes: DERIVED_BYTES },
    })),
  )
}
