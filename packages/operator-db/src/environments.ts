import { environmentAnnouncementSchema, type EnvironmentAnnouncement } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'
import { renderAsciiJson } from './job-row.ts'

/** An environment as it was announced last. `lastSeen` is epoch seconds as text (operator-service-api §10). */
export type AnnouncedEnvironment = EnvironmentAnnouncement & { id: string; lastSeen: string }

/** Writes an environment's announcement; its `lastSeen` is the database's now. */
export async function announceEnvironment(db: Database, announcement: EnvironmentAnnouncement): Promise<void> {
  await db.raw(
    `INSERT INTO envs (namespace, status, lastping) VALUES (:id, :status, now())
     ON CONFLICT (namespace) DO UPDATE SET status = excluded.status, lastping = excluded.lastping`,
    { id: announcement.id, status: renderAsciiJson(announcement) },
  )
}

/**
 * The environments that were seen lately, by id. Those that accept only other chains are left out.
 * @param selection.chainId keep environments that accept this chain; absent keeps all
 * @param selection.maxAgeSeconds how long ago an environment may have been seen last
 */
export async function listEnvironments(
  db: Database,
  selection: { chainId?: number | undefined; maxAgeSeconds: number },
): Promise<AnnouncedEnvironment[]> {
  const announced = await selectEnvironments(db, '', selection.maxAgeSeconds, {})
  const { chainId } = selection
  return announced.filter((environment) => chainId === undefined || isChainAccepted(environment, chainId))
}

/** One environment, or null when it was never announced, or not within `maxAgeSeconds`. */
export async function loadEnvironment(
  db: Database,
  selection: { id: string; maxAgeSeconds: number },
): Promise<AnnouncedEnvironment | null> {
  const found = await selectEnvironments(db, 'AND namespace = :id', selection.maxAgeSeconds, { id: selection.id })
  return found[0] ?? null
}

/** Whether an environment was ever announced. */
export async function hasEnvironment(db: Database, id: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>('SELECT 1 FROM envs WHERE namespace = :id', { id })
  return rows.length > 0
}

/** Whether an environment takes jobs whose orders are on a chain: no list, or an empty one, takes every chain. */
export function isChainAccepted(environment: EnvironmentAnnouncement, chainId: number | null): boolean {
  const allowed = environment.allowedChainId ?? []
  return allowed.length === 0 || (chainId !== null && allowed.includes(chainId))
}

async function selectEnvironments(
  db: Database,
  condition: string,
  maxAgeSeconds: number,
  bindings: Record<string, string>,
): Promise<AnnouncedEnvironment[]> {
  const { rows } = await db.raw<{ rows: { id: string; status: string | null; lastSeen: string }[] }>(
    `SELECT namespace AS id, status, extract(epoch FROM lastping)::numeric(20, 6)::text AS "lastSeen" FROM envs
     WHERE lastping > now() AT TIME ZONE 'UTC' - make_interval(secs => :maxAgeSeconds) ${condition}
     ORDER BY namespace`,
    { ...bindings, maxAgeSeconds },
  )
  return rows.flatMap((row) => {
    const announcement = parseAnnouncement(row.id, row.status)
    return announcement ? [{ ...announcement, id: row.id, lastSeen: row.lastSeen }] : []
  })
}

const NUMBERS = [
  'cpuNumber',
  'gpuNumber',
  'ramGB',
  'diskGB',
  'priceMin',
  'currentJobs',
  'maxJobs',
  'storageExpiry',
  'maxJobDuration',
] as const

/** Reference engines announce numbers that an operator set as text (operator-service-api §10); they are read as numbers. */
function parseAnnouncement(id: string, status: string | null): EnvironmentAnnouncement | null {
  const announced = readObject(status)
  if (announced === null) return null
  for (const name of NUMBERS) {
    const value = announced[name]
    if (typeof value === 'string' && value.trim() !== '') announced[name] = Number(value)
  }
  const parsed = environmentAnnouncementSchema.safeParse({ ...announced, id })
  return parsed.success ? parsed.data : null
}

function readObject(text: string | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    return null // a foreign writer's text: that environment is not listed, the others are
  }
}
