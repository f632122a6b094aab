import type { Request, Response } from 'express'

/** One event of a stream (HTML standard, server-sent events). */
export interface ServerSentEvent {
  /** What the client names in `Last-Event-ID` when it comes back. */
  id?: string
  /** Kind of the event; `message` when left out. */
  event?: string
  /** A text as it stands, anything else as JSON. */
  data: string | number | boolean | object | null
}

/** A stream of events to one client. */
export interface EventStream {
  /**
   * Sends an event.
   * @returns when the client has room for another; at once where the stream has ended. Await it, or events pile up
   *   in memory
   * @throws TypeError for an id or event with a line break
   */
  send(event: ServerSentEvent): Promise<void>
  /** Ends the stream; safe to repeat. */
  close(): void
  /** Aborts when the stream has ended, whoever ended it. */
  readonly signal: AbortSignal
  /** The id of the last event the client saw before it came back; undefined for a first visit. */
  readonly lastEventId: string | undefined
}

/**
 * Answers a request with a stream of events. It ends when the client goes, or by `close`.
 * @param options.heartbeatMs how often a comment tells proxies, and us, that the other side is there
 */
export function openEventStream(request: Request, response: Response, options: { heartbeatMs: number }): EventStream {
  const ended = new AbortController()
  const isOpen = () => !ended.signal.aborted && !response.writableEnded && !response.destroyed
  response.status(200)
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8')
  response.setHeader('Cache-Control', 'no-cache, no-transform')
  response.setHeader('X-Accel-Buffering', 'no') // nginx would collect events until a buffer is full
  response.flushHeaders()

  const heartbeat = setInterval(() => {
    // A client that does not read gets none: its connection is seen to anyway.
    if (isOpen() && !response.writableNeedDrain) response.write(':\n\n')
  }, options.heartbeatMs)
  heartbeat.unref()
  const end = (): void => {
    clearInterval(heartbeat)
    ended.abort()
  }
  response.once('close', end)
  if (response.destroyed) end() // the client went before we came to listen

  return {
    signal: ended.signal,
    lastEventId: request.get('last-event-id'),
    send: async (event) => {
      const text = formatEvent(event)
      if (!isOpen() || response.write(text)) return
      await drained(response, ended.signal)
    },
    close: () => {
      if (isOpen()) response.end()
      end()
    },
  }
}

/** Resolves when there is room again, or nobody to have it. */
function drained(response: Response, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    if (signal.aborted) {
      resolve()
      return
    }
    response.on('drain', done)
    signal.addEventListener('abort', done)
  })
}

function formatEvent({ id, event, data }: ServerSentEvent): string {
  const fields = Object.entries({ id, event }).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (/[\r\n\0]/.test(value)) throw new TypeError(`the ${name} of an event must be one line`)
    return [`${name}: ${value}\n`]
  })
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`)
  return `${[...fields, ...lines].join('')}\n`
}
