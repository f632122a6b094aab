import { publicKeyOf } from '@c2d/chain'
import type { EnvironmentAnnouncement } from '@c2d/contracts'
import type { EnvironmentConfig } from './config.ts'

/** What is announced of an environment (operator-service-api §10): everything but its key and our own limits. */
export function buildAnnouncement(environment: EnvironmentConfig, currentJobs: number): EnvironmentAnnouncement {
  const { privateKey, maxQueueSeconds: _maxQueueSeconds, allowedChainId, ...announced } = environment
  return {
    ...announced,
    currentJobs,
    consumerPublicKey: publicKeyOf(privateKey.reveal()),
    ...(allowedChainId ? { allowedChainId } : {}),
  }
}
