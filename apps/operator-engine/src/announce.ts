import type { EnvironmentAnnouncement } from '@c2d/contracts'
import type { EnvironmentConfig } from './config.ts'

/** What is announced of an environment (operator-service-api §10): everything but its key and our own limits. */
export function buildAnnouncement(environment: EnvironmentConfig, currentJobs: number): EnvironmentAnnouncement {
  const { privateKey: _privateKey, maxQueueSeconds: _maxQueueSeconds, allowedChainId, ...announced } = environment
  return { ...announced, currentJobs, ...(allowedChainId ? { allowedChainId } : {}) }
}
