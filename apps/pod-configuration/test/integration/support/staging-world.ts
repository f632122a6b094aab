import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stage, StepDownloads } from '@c2d/contracts'
import { createGuardedFetch, createGuardedRequest } from '@c2d/http-kit'
import { buildLayout } from '../../../src/layout.ts'
import { createProviderClient } from '../../../src/provider-client.ts'
import { provision, type ProvisionResult, type ProvisionSettings } from '../../../src/provision.ts'
import type { RetryPolicy } from '../../../src/staging/backoff.ts'
import { createProgressMeter, type ProgressMeter } from '../../../src/staging/progress.ts'
import { TRANSFER_SETTINGS, type TransferSettings } from '../../../src/staging/transfer.ts'
import { MAX_REDIRECTS } from '../../../src/url-origin.ts'

export const DATA = `did:op:${'a'.repeat(64)}`
export const MORE_DATA = `did:op:${'c'.repeat(64)}`
export const ALGORITHM = `did:op:${'b'.repeat(64)}`
export const TX = `0x${'1'.repeat(64)}`

/** As stubborn as in production, without its pauses. */
export const QUICK_RETRY: RetryPolicy = { maxFruitless: 5, maxFailures: 100, pauseMs: 1, maxPauseMs: 20 }

/** One volume, and what is provisioned onto it. */
export interface StagingWorld {
  root: string
  log: string[]
  progress: ProgressMeter
  run(stage: Stage, options: RunOptions): Promise<ProvisionResult>
  end(): Promise<void>
}

export interface RunOptions {
  /** `host:port` that may be reached. */
  allow: string[]
  metadataUri?: string | null
  tokens?: boolean
  /** In place of tokens, or beside them. */
  downloads?: Partial<StepDownloads>
  transfer?: Partial<TransferSettings>
  settings?: Partial<ProvisionSettings>
  freeBytes?: () => Promise<number>
}

export async function createStagingWorld(): Promise<StagingWorld> {
  const root = await mkdtemp(join(tmpdir(), 'c2d-provision-'))
  const log: string[] = []
  const progress = createProgressMeter()
  return {
    root,
    log,
    progress,
    run(stage, { allow, metadataUri = null, tokens = true, downloads, transfer, settings, freeBytes }) {
      const timeoutMs = transfer?.idleTimeoutMs ?? 5_000
      const fetch = createGuardedFetch({ allowList: allow, timeoutMs })
      const request = createGuardedRequest({
        allowList: allow,
        timeoutMs,
        connections: 64,
        maxRedirects: MAX_REDIRECTS,
      })
      return provision(
        { stages: [stage] },
        {
          transfer: { ...TRANSFER_SETTINGS, idleTimeoutMs: timeoutMs, retry: QUICK_RETRY, ...transfer },
          maxFilesAtOnce: 8,
          maxFiles: 1_000,
          maxBytes: null,
          ...settings,
        },
        {
          layout: buildLayout(root),
          metadataUri,
          downloads: {
            consumerAddress: '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1',
            tokens: tokens
              ? [DATA, MORE_DATA, ALGORITHM].map((did) => ({
                  did,
                  serviceId: 'svc',
                  txId: TX,
                  token: `token-of-${did}`,
                }))
              : [],
            signed: [],
            ...downloads,
          },
          provider: createProviderClient({ retry: QUICK_RETRY, timeoutMs }, { fetch, request }),
          fetch,
          request,
          progress,
          retry: QUICK_RETRY,
          say: (line) => void log.push(line),
          ...(freeBytes ? { freeBytes } : {}),
        },
      )
    },
    end: () => rm(root, { recursive: true, force: true }),
  }
}

/** A stage of plain addresses: datasets' by DID, and code that came with the request. */
export function stageOf(inputs: Record<string, string | string[] | null>, over: Partial<Stage> = {}): Stage {
  return {
    input: Object.entries(inputs).map(([id, url]) => ({ id, url })),
    compute: {},
    algorithm: { id: '', rawcode: 'print(1)', container: { entrypoint: 'python $ALGO', image: 'python' } },
    output: {},
    ...over,
  }
}
