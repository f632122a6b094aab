import { publicKeyOf } from '@c2d/chain'
import { environmentAnnouncementSchema, type DerivedAssetOffer, type EnvironmentAnnouncement } from '@c2d/contracts'
import type { EnvironmentConfig } from './config.ts'

/**
 * What is announced of an environment (operator-service-api §10). The schema says what that is: its key, where its jobs
 * run and our own limits are nobody's business.
 */
export function buildAnnouncement(
  environment: EnvironmentConfig,
  now: { currentJobs: number; derivedAssets: DerivedAssetOffer | null },
): EnvironmentAnnouncement {
  const { privateKey, derivedAssets: _derivedAssets, ...announced } = environment
  return environmentAnnouncementSchema.parse({
    ...announced,
    currentJobs: now.currentJobs,
    consumerPublicKey: publicKeyOf(privateKey.reveal()),
    ...(now.derivedAssets ? { derivedAssets: now.derivedAssets } : {}),
  })
}
