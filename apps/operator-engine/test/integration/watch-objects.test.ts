import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { silentLogger } from '@c2d/runtime'
import { createClusterClient, type ClusterClient } from '../../src/executor/kubernetes/cluster-client.ts'
import { ClusterError } from '../../src/executor/kubernetes/cluster-error.ts'
import { watchObjects, type ObjectCache } from '../../src/executor/kubernetes/watch-objects.ts'
import { parseAnchor, type AnchorView } from '../../src/executor/kubernetes/views.ts'
import { waitUntil } from './executor-conformance.ts'

const PATH = '/api/v1/namespaces/jobs/configmaps'

interface Asked {
  query: URLSearchParams
  answer: ServerResponse
  isOpen: () => boolean
}

const build = (name: string, resourceVersion: string) => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' },
})

/** The API server's half of a watch, told what to say by each test. */
describe('watchObjects', () => {
  let server: Server
  let folder: string
  let client: ClusterClient
  let closing: AbortController
  let lists: Asked[]
  let watches: Asked[]
  /** What a list answers. */
  let there: { version: string; items: object[]; status?: number }
  let watchStatus: number
  let changes: string[]

  beforeEach(async () => {
    ;[lists, watches, changes] = [[], [], []]
    watchStatus = 200
    there = { version: '10', items: [build('one', '5')] }
    server = createServer((request: IncomingMessage, answer) => {
      const query = new URL(request.url ?? '', 'http://api').searchParams
      const isWatch = query.get('watch') === 'true'
      const asked = { query, answer, isOpen: () => !answer.closed }
      ;(isWatch ? watches : lists).push(asked)
      if (!isWatch) sendList(answer)
      else if (watchStatus === 200) answer.writeHead(200).flushHeaders()
      else answer.writeHead(watchStatus).end(JSON.stringify({ kind: 'Status', reason: 'Gone', message: 'too old' }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    folder = await mkdtemp(join(tmpdir(), 'c2d-watch-'))
    const kubeconfig = join(folder, 'kubeconfig')
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await writeFile(
      kubeconfig,
      `{"clusters":[{"name":"a","cluster":{"server":"${at}","insecure-skip-tls-verify":true}}],"users":[{"name":"a","user":{}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"current-context":"a"}`,
    )
    client = createClusterClient(kubeconfig)
    closing = new AbortController()
  })

  afterEach(async () => {
    closing.abort()
    client.close()
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  })

  function sendList(answer: ServerResponse): void {
    const { items, status = 200, version } = there
    const failure = { kind: 'Status', reason: 'Forbidden', message: 'no' }
    const body = status === 200 ? { metadata: { resourceVersion: version }, items } : failure
    answer.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  }

  const open = (): Promise<ObjectCache<AnchorView>> =>
    watchObjects(
      { path: PATH, labelSelector: 'a=b', parse: parseAnchor, signal: closing.signal },
      { client, log: silentLogger, onChange: ({ name }, isGone) => changes.push(`${isGone ? '-' : '+'}${name}`) },
    )
  const say = (watch: Asked | undefined, type: string, object: object) =>
    watch?.answer.write(`${JSON.stringify({ type, object })}\n`)
  async function nthWatch(count: number): Promise<Asked> {
    await waitUntil(() => Promise.resolve(watches.length >= count), 30_000)
    const watch = watches[count - 1]
    if (!watch) throw new Error('unreachable')
    return watch
  }
  const versionOf = ({ query }: Asked) => query.get('resourceVersion')
  const namesOf = (cache: ObjectCache<AnchorView>) => [...cache.values()].map(({ name }) => name).sort()

  it('behaviour: begins with a list, and watches from there with bookmarks', async () => {
    const cache = await open()
    expect(namesOf(cache)).toEqual(['one'])
    const { query } = await nthWatch(1)
    expect(Object.fromEntries(query)).toMatchObject({
      labelSelector: 'a=b',
      resourceVersion: '10',
      allowWatchBookmarks: 'true',
    })
  })

  it('behaviour: takes in what comes, changes and goes', async () => {
    const cache = await open()
    const watch = await nthWatch(1)
    say(watch, 'ADDED', build('two', '11'))
    say(watch, 'MODIFIED', build('one', '12'))
    say(watch, 'DELETED', build('two', '13'))
    await waitUntil(() => Promise.resolve(changes.length >= 4), 30_000)
    expect(changes).toEqual(['+one', '+two', '+one', '-two'])
    expect(cache.get('one')?.resourceVersion).toBe('12')
  })

  it('behaviour: a cut connection goes on where it was, without another list', async () => {
    await open()
    const watch = await nthWatch(1)
    say(watch, 'ADDED', build('two', '11'))
    await waitUntil(() => Promise.resolve(changes.includes('+two')), 30_000)
    watch.answer.destroy()
    expect(versionOf(await nthWatch(2))).toBe('11')
    expect(lists).toHaveLength(1)
  })

  it('behaviour: an event that was cut in the middle is not taken for one', async () => {
    const cache = await open()
    const watch = await nthWatch(1)
    const text = JSON.stringify({ type: 'ADDED', object: build('two', '11') })
    watch.answer.write(text.slice(0, 40))
    watch.answer.end()
    expect(versionOf(await nthWatch(2))).toBe('10')
    expect(namesOf(cache)).toEqual(['one'])
  })

  it('behaviour: a bookmark moves the point it goes on from', async () => {
    await open()
    const watch = await nthWatch(1)
    say(watch, 'BOOKMARK', { kind: 'ConfigMap', metadata: { resourceVersion: '900' } })
    watch.answer.end()
    expect(versionOf(await nthWatch(2))).toBe('900')
    expect(lists).toHaveLength(1)
    expect(changes).toEqual(['+one'])
  })

  it.each([
    [
      'in the middle of a watch',
      (watch: Asked) => void say(watch, 'ERROR', { code: 410, reason: 'Expired', message: 'too old' }),
    ],
    [
      'with an error that is none of its own',
      (watch: Asked) => void say(watch, 'ERROR', { code: 500, reason: 'InternalError' }),
    ],
  ])(
    'behaviour: what the cluster has forgotten, %s, is listed again: with what came and went unseen',
    async (_, fail) => {
      const cache = await open()
      const watch = await nthWatch(1)
      there = { version: '2000', items: [build('three', '1999')] }
      fail(watch)
      expect(versionOf(await nthWatch(2))).toBe('2000')
      expect(namesOf(cache)).toEqual(['three'])
      expect(changes).toEqual(['+one', '-one', '+three'])
    },
  )

  it('behaviour: also where the watch is refused from the start with 410', async () => {
    const cache = await open()
    const watch = await nthWatch(1)
    watchStatus = 410
    there = { version: '2000', items: [] }
    watch.answer.destroy()
    await waitUntil(() => Promise.resolve(lists.length >= 2), 30_000)
    watchStatus = 200
    await waitUntil(() => Promise.resolve(namesOf(cache).length === 0), 30_000)
    await waitUntil(() => Promise.resolve(watches.some((each) => versionOf(each) === '2000')), 30_000)
  })

  it('behaviour: what a write of ours brought is not undone by what the watch shows late', async () => {
    const cache = await open()
    const watch = await nthWatch(1)
    cache.take(parseAnchor(build('one', '30')))
    say(watch, 'MODIFIED', build('one', '20'))
    say(watch, 'ADDED', build('two', '31'))
    await waitUntil(() => Promise.resolve(changes.includes('+two')), 30_000)
    expect(cache.get('one')?.resourceVersion).toBe('30')
  })

  it('behaviour: nor does it bring back what the watch saw go', async () => {
    const cache = await open()
    const watch = await nthWatch(1)
    say(watch, 'DELETED', build('one', '40'))
    await waitUntil(() => Promise.resolve(changes.includes('-one')), 30_000)
    cache.take(parseAnchor(build('one', '39')))
    expect(namesOf(cache)).toEqual([])
  })

  it('behaviour: nobody listens any more once it is closed', async () => {
    await open()
    const watch = await nthWatch(1)
    closing.abort()
    await waitUntil(() => Promise.resolve(!watch.isOpen()), 30_000)
    expect(watches).toHaveLength(1)
  })

  it('error: a first list that is refused says so', async () => {
    there = { ...there, status: 403 }
    await expect(open()).rejects.toThrow(ClusterError)
  })
})
