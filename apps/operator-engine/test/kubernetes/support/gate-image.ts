import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { TEST_IMAGE } from './test-cluster.ts'

const run = promisify(execFile)
const SOURCE = join(import.meta.dirname, '../../../../pod-configuration/src/seal-gate/main.ts')

/**
 * An image with the seal gate as it is here, in the test cluster's registry; C2D_TEST_POD_CONFIGURATION names another one to use.
 * @throws Error where there is neither that nor a Docker daemon
 */
export async function provideGateImage(): Promise<string> {
  const given = process.env['C2D_TEST_POD_CONFIGURATION']
  if (given) return given
  const folder = await mkdtemp(join(tmpdir(), 'c2d-gate-image-'))
  try {
    const outfile = join(folder, 'seal-gate.mjs')
    await build({ entryPoints: [SOURCE], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' })
    const digest = createHash('sha256').update(await readFile(outfile))
    const image = `${TEST_IMAGE.node.split('/')[0] ?? ''}/c2d-test/seal-gate:${digest.digest('hex').slice(0, 12)}`
    await writeFile(join(folder, 'Dockerfile'), `FROM ${TEST_IMAGE.node}\nCOPY seal-gate.mjs /app/seal-gate.mjs\n`)
    await run('docker', ['build', '--quiet', '--tag', image, folder])
    await run('docker', ['push', '--quiet', image])
    return image
  } finally {
    await rm(folder, { recursive: true })
  }
}
