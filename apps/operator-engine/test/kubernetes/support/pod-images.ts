import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { TEST_IMAGE } from './test-cluster.ts'

const run = promisify(execFile)
const APPS = join(import.meta.dirname, '../../../..')

/** Images of our pods in the test cluster's registry. */
export interface PodImages {
  configuration: string
  publishing: string
}

/**
 * Images with the pods as they are built here, in the test cluster's registry; C2D_TEST_POD_CONFIGURATION and
 * C2D_TEST_POD_PUBLISHING name others to use.
 * @throws Error where there is neither a build nor a Docker daemon
 */
export async function providePodImages(): Promise<PodImages> {
  const [configuration, publishing] = await Promise.all([
    process.env['C2D_TEST_POD_CONFIGURATION'] ?? buildImage('pod-configuration', ['pod.mjs', 'seal-gate.mjs']),
    process.env['C2D_TEST_POD_PUBLISHING'] ?? buildImage('pod-publishing', ['pod.mjs']),
  ])
  return { configuration, publishing }
}

/** An image with nothing in it but one text: no program, no shell. */
export async function provideEmptyImage(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-empty-image-'))
  try {
    await writeFile(join(folder, 'nothing'), 'no program')
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY nothing /nothing\n')
    return await pushImage(folder, 'empty:1')
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function pushImage(folder: string, name: string): Promise<string> {
  const image = `${TEST_IMAGE.node.split('/')[0] ?? ''}/c2d-test/${name}`
  await run('docker', ['build', '--quiet', '--tag', image, folder])
  await run('docker', ['push', '--quiet', image])
  return image
}

async function buildImage(app: string, programs: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-pod-image-'))
  try {
    const digest = createHash('sha256')
    for (const program of programs) {
      const path = join(APPS, app, 'dist', program)
      await copyFile(path, join(folder, basename(path)))
      digest.update(await readFile(path))
    }
    const lines = [`FROM ${TEST_IMAGE.node}`, `COPY ${programs.join(' ')} /app/`, 'WORKDIR /app', 'USER 1000:1000', '']
    await writeFile(join(folder, 'Dockerfile'), lines.join('\n'))
    return await pushImage(folder, `${app}:${digest.digest('hex').slice(0, 12)}`)
  } finally {
    await rm(folder, { recursive: true })
  }
}
