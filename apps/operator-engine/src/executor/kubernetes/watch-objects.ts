import { sleep, toError, type Logger } from '@c2d/runtime'
import { z } from 'zod'
import type { ClusterClient } from './cluster-client.ts'
import { ClusterError, isRefusedWith } from './cluster-error.ts'

/** What every object that is watched has. */
export interface Watched {
  name: string
  uid: string
  resourceVersion: string
}

/** The objects of one kind in one namespace, kept current by a watch. */
export interface ObjectCache<T extends Watched> {
  get(name: string): T | undefined
  values(): IterableIterator<T>
  /** Takes in what a write of ours returned, unless the watch has seen as much. */
  take(object: T): void
  /** Takes in what a read of ours found: as current as can be, whatever the watch has seen. */
  refresh(object: T): void
  /** Forgets what an answer of the cluster says is gone. */
  forget(name: string, uid: string): void
}

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().nullish() }),
  items: z.array(z.unknown()),
})
const eventSchema = z.object({ type: z.string(), object: z.unknown() })
const bookmarkSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }) })

const PAGE = 500
/** How long one watch lasts; longer ones are cut by somebody in between anyway. */
const WATCH_SECONDS = 290
/** Bookmarks come every minute or so: a watch that is silent for longer is dead, whatever its connection says. */
const SILENCE_MS = 150_000
const PAUSE_MS = { first: 100, most: 5_000 }

/**
 * Lists objects, then watches them from there; goes on where it was after a cut, and lists again where the cluster has
 * forgotten that point (410). Never gives up: between two attempts it waits, with jitter, at most 5 s.
 * @param options.path of the kind, see `buildPath`
 * @param deps.onChange for each object that came, changed or went
 * @returns after the first list
 * @throws ClusterError when the first list is refused, as it will be again: rights or the namespace are missing
 */
export async function watchObjects<T extends Watched>(
  options: { path: string; labelSelector: string; parse: (value: unknown) => T; signal: AbortSignal },
  deps: { client: ClusterClient; onChange: (object: T, isGone: boolean) => void; log: Logger },
): Promise<ObjectCache<T>> {
  const { labelSelector, parse, path, signal } = options
  const { client, log, onChange } = deps
  const objects = new Map<string, T>()
  const isClosed = (): boolean => signal.aborted
  let position = ''

  function put(object: T): void {
    const known = objects.get(object.name)
    if (known?.uid === object.uid && isOlder(object.resourceVersion, known.resourceVersion)) return
    objects.set(object.name, object)
    onChange(object, false)
  }

  function drop(object: Watched): void {
    const known = objects.get(object.name)
    if (known?.uid !== object.uid) return
    objects.delete(object.name)
    onChange(known, true)
  }

  async function list(): Promise<void> {
    const found = new Map<string, T>()
    let next: string | undefined
    do {
      const page = listSchema.parse(await client.get(path, { labelSelector, limit: PAGE, continue: next }))
      for (const item of page.items) {
        const object = parse(item)
        found.set(object.name, object)
      }
      position = page.metadata.resourceVersion
      next = page.metadata.continue ? page.metadata.continue : undefined
    } while (next !== undefined)
    for (const known of [...objects.values()]) {
      if (found.get(known.name)?.uid !== known.uid) drop(known)
    }
    for (const object of found.values()) {
      if (objects.get(object.name)?.resourceVersion !== object.resourceVersion) put(object)
    }
  }

  async function watchOnce(): Promise<void> {
    const silence = new AbortController()
    const cut = AbortSignal.any([signal, silence.signal])
    let timer = setTimeout(() => silence.abort(), SILENCE_MS)
    try {
      const stream = await client.open(
        path,
        {
          watch: true,
          labelSelector,
          resourceVersion: position,
          allowWatchBookmarks: true,
          timeoutSeconds: WATCH_SECONDS,
        },
        cut,
      )
      let rest = ''
      for await (const part of stream.setEncoding('utf8')) {
        clearTimeout(timer)
        timer = setTimeout(() => silence.abort(), SILENCE_MS)
        const lines = (rest + String(part)).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) takeEvent(line)
      }
    } finally {
      clearTimeout(timer)
    }
  }

  function takeEvent(line: string): void {
    const { type, object: value } = eventSchema.parse(JSON.parse(line))
    if (type === 'ERROR') {
      const { code, reason, message } = value as { code?: number; reason?: string; message?: string }
      throw new ClusterError(code ?? 500, reason ?? '', message ?? 'the watch failed')
    }
    if (type === 'BOOKMARK') {
      position = bookmarkSchema.parse(value).metadata.resourceVersion
      return
    }
    const object = parse(value)
    position = object.resourceVersion
    if (type === 'DELETED') drop(object)
    else put(object)
  }

  async function follow(): Promise<void> {
    let pauseMs = PAUSE_MS.first
    while (!isClosed()) {
      const startedAtMs = Date.now()
      try {
        if (position === '') await list()
        await watchOnce()
      } catch (thrown) {
        if (isClosed()) return
        // Whatever else is wrong with this point in the cluster's history, a list finds a new one.
        if (!isConnectionTrouble(thrown)) position = ''
        log.warn({ path, err: toError(thrown) }, 'a watch broke; it goes on')
      }
      if (Date.now() - startedAtMs > 10_000) {
        pauseMs = PAUSE_MS.first
        continue
      }
      await sleep(pauseMs * (0.5 + Math.random() / 2), signal)
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most)
    }
  }

  await list()
  void follow()
  return {
    get: (name) => objects.get(name),
    values: () => objects.values(),
    take(object) {
      // Not what the watch is past already: it may have been deleted since.
      if (!isOlder(object.resourceVersion, position)) put(object)
    },
    refresh: put,
    forget(name, uid) {
      drop({ name, uid, resourceVersion: '' })
    },
  }
}

/** A cut connection says nothing about the point that was watched from; an answer does. */
function isConnectionTrouble(thrown: unknown): boolean {
  return !(thrown instanceof ClusterError) && !isRefusedWith(thrown, 410) && !(thrown instanceof z.ZodError)
}

/** Versions are whole numbers that only grow (Kubernetes 1.35 promises what every release has done). */
function isOlder(version: string, than: string): boolean {
  if (!/^\d+$/.test(version) || !/^\d+$/.test(than)) return false
  return version.length === than.length ? version < than : version.length < than.length
}
