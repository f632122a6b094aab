import type { ProofPredicate } from '@c2d/contracts'

/** What a proof could say of a job that went well; tests change what they are about. */
export function buildProofPredicate(changes: Partial<ProofPredicate> = {}): ProofPredicate {
  const sha256 = 'a'.repeat(64)
  return {
    job: { id: 'b'.repeat(32), agreementId: '0xabc', chainId: 8996, consumer: `0x${'c0'.repeat(20)}` },
    environment: { id: 'paid', address: `0x${'ee'.repeat(20)}` },
    orders: [],
    datasets: [],
    algorithm: {
      did: null,
      serviceId: null,
      files: [{ index: 0, sha256 }],
      image: 'node:24',
      imageDigest: null,
      entrypoint: 'node $ALGO',
    },
    execution: {
      executor: 'process',
      limits: { maxDurationSeconds: 60, memoryBytes: 1024, workspaceBytes: 2048 },
      isolation: null,
      steps: [],
      exitCode: 0,
      reason: null,
    },
    rules: [],
    createdAtMs: 1_750_000_000_000,
    finishedAtMs: 1_750_000_002_000,
    ...changes,
  }
}
