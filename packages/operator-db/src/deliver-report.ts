import type { Statement } from './statement.ts'

/** What a report needs of a connection; a fresh `pg.Client` fits. */
export interface ReportClient {
  connect(): Promise<unknown>
  query(text: string, values: unknown[]): Promise<unknown>
  end(): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** How patient a pod is with its database. */
export interface ReporterOptions {
  /** Makes a connection that is not open yet; it must give up on a silent server by itself. */
  createClient: () => ReportClient
  /** How long a report is tried, in milliseconds. */
  patienceMs: number
  /** First pause between two tries, in milliseconds; doubles up to fifty times that. */
  pauseMs?: number
}

/** Carries reports of one pod to the database. */
export interface Reporter {
  /**
   * Runs a report until the database has taken or refused it: an outage must not cost a job its finished work, and the
   * report functions take the same report twice for one.
   * @throws the refusal, or the last error when the patience is over
   */
  deliver(statement: Statement): Promise<void>
}

const PAUSE_MS = 100
const LONGEST_PAUSE = 50
// Refused for good: our own refusals, malformed values, a wrong password, no such function.
const FINAL = /^(C2D|22|28|42)/

/** Begins to connect at once, so that the connection is there when the work is done. */
export function openReporter({ createClient, patienceMs, pauseMs = PAUSE_MS }: ReporterOptions): Reporter {
  let next: Promise<ReportClient> | undefined = open()

  async function open(): Promise<ReportClient> {
    const client = createClient()
    client.on('error', () => undefined) // a connection that breaks while idle is told by the query that follows
    await client.connect()
    return client
  }
  next.catch(() => undefined) // counts when the report is due, not before

  async function attempt({ text, values }: Statement): Promise<void> {
    const opening = next ?? open()
    next = undefined
    const client = await opening
    try {
      await client.query(text, values)
    } finally {
      // Not awaited: a server that has fallen silent would never say goodbye.
      client.end().catch(() => undefined)
    }
  }

  return {
    async deliver(statement) {
      const giveUpAtMs = performance.now() + patienceMs
      for (let tries = 0; ; tries += 1) {
        try {
          await attempt(statement)
          return
        } catch (error) {
          const code = (error as { code?: unknown } | null)?.code
          if (typeof code === 'string' && FINAL.test(code)) throw error
          if (performance.now() > giveUpAtMs) throw error
          await new Promise((resolve) =>
            setTimeout(resolve, Math.min(2 ** Math.min(tries, 10), LONGEST_PAUSE) * pauseMs),
          )
        }
      }
    },
  }
}
