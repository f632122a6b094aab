import { access, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findFreePort, isPortFree, spawnGuarded } from '@c2d/dev-servers'
import type { Cleanup } from '../lib/cleanup.ts'

const READY_TIMEOUT_MS = 10_000

/**
 * Starts nginx as an origin of files with two proxies before it, one behind the other, on ports of its own and with a
 * configuration of its own; otherwise as it comes.
 * @param folder for its configuration and what it writes
 * @param root folder whose files it serves
 * @returns the address of the outer proxy; null where there is no nginx
 */
export async function startNginx(folder: string, root: string, cleanup: Cleanup): Promise<string | null> {
  const program = await findProgram('nginx')
  if (program === null) return null
  const [origin, inner, outer] = [await findFreePort(), await findFreePort(), await findFreePort()]
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'nginx.conf')
  await writeFile(config, buildConfig({ folder, root, origin, inner, outer }))
  const child = spawnGuarded({ command: program, args: ['-c', config, '-g', 'daemon off;'], stopSignal: 'SIGTERM' })
  cleanup.add(async () => {
    await child.stop()
  })
  const ended: unknown[] = []
  void child.exited.then((exit) => ended.push(exit))
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (await isPortFree(outer)) {
    await sleep(20)
    if (ended.length === 0 && performance.now() < deadline) continue
    throw new Error(`nginx does not listen:\n${child.recentLog()}`)
  }
  return `http://127.0.0.1:${outer}`
}

interface Ports {
  origin: number
  inner: number
  outer: number
}

function buildConfig({ folder, root, origin, inner, outer }: Ports & { folder: string; root: string }): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  )
  const proxy = (port: number, upstream: string): string =>
    `server { listen 127.0.0.1:${port}; location / { proxy_pass http://${upstream}; proxy_http_version 1.1; proxy_set_header Connection ""; } }`
  return `
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes auto;
    pid ${join(folder, 'nginx.pid')};
    error_log ${join(folder, 'error.log')};
    events { worker_connections 1024; }
    http {
      access_log off;
      sendfile on;
      tcp_nopush on;
      ${temporary.join(' ')}
      upstream origin { server 127.0.0.1:${origin}; keepalive 64; }
      upstream inner { server 127.0.0.1:${inner}; keepalive 64; }
      server { listen 127.0.0.1:${origin}; root ${root}; }
      ${proxy(inner, 'origin')}
      ${proxy(outer, 'inner')}
    }`
}

async function findProgram(name: string): Promise<string | null> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  for (const folder of folders) {
    const path = join(folder, name)
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return null
}
