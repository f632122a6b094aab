import type { Migration } from '@c2d/postgres'
import { originalTables } from './20260101000000_original_tables.ts'
import { claimsAndLeases } from './20260101000100_claims_and_leases.ts'
import { eventsTokensNonces } from './20260101000200_events_tokens_nonces.ts'
import { claimFunction } from './20260101000300_claim_function.ts'
import { podReports } from './20260101000400_pod_reports.ts'
import { fairQueue } from './20260101000500_fair_queue.ts'
import { enginesRetriesOutbox } from './20260101000600_engines_retries_outbox.ts'
import { roles } from './20260101000700_roles.ts'
import { isolation } from './20260101000800_isolation.ts'
import { unpaidQueue } from './20260101000900_unpaid_queue.ts'
import { resultKeys } from './20260101001000_result_keys.ts'
import { queueFront } from './20260101001100_queue_front.ts'
import { proofs } from './20260101002000_proofs.ts'
import { transactions } from './20260101002100_transactions.ts'
import { anchors } from './20260101002200_anchors.ts'
import { possibleStates } from './20260101003000_possible_states.ts'
import { derivedAssets } from './20260101003100_derived_assets.ts'
import { outputDeliveries } from './20260101003200_output_deliveries.ts'
import { proofSalts } from './20260101003300_proof_salts.ts'
import { sequels } from './20260101003400_sequels.ts'

/** Every migration of the operator's database, oldest first; for `migrateToLatest`. */
export const MIGRATIONS: readonly Migration[] = [
  originalTables,
  claimsAndLeases,
  eventsTokensNonces,
  claimFunction,
  podReports,
  fairQueue,
  enginesRetriesOutbox,
  roles,
  isolation,
  unpaidQueue,
  resultKeys,
  queueFront,
  proofs,
  transactions,
  anchors,
  possibleStates,
  derivedAssets,
  outputDeliveries,
  proofSalts,
  sequels,
]
