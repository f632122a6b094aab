import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './kubectl.ts'

const APPS = fileURLToPath(new URL('../../../apps/', import.meta.url))

/** Puts the pods as they are built here into a registry that the cluster pulls from. @returns their images */
export async function providePodImages(registry: string): Promise<{ configuration: string; publishing: string }> {
  return {
    configuration: await buildImage(registry, 'pod-configuration', ['pod.mjs', 'seal-gate.mjs']),
    publishing: await buildImage(registry, 'pod-publishing', ['pod.mjs']),
  }
}

async function buildImage(registry: string, app: string, programs: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-bench-image-'))
  try {
    const digest = createHash('sha256')
    for (const program of programs) {
      await copyFile(join(APPS, app, 'dist', program), join(folder, program))
      digest.update(await readFile(join(folder, program)))
    }
    const image = `${registry}/c2d-bench/${app}:${digest.digest('hex').slice(0, 12)}`
    const base = `${registry}/node:24-bookworm-slim`
    const lines = [`FROM ${base}`, `COPY ${programs.join(' ')} /app/`, 'WORKDIR /app', 'USER 1000:1000', '']
    await writeFile(join(folder, 'Dockerfile'), lines.join('\n'))
    await run('docker', ['build', '--quiet', '--tag', image, folder])
    await run('docker', ['push', '--quiet', image])
    return image
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
