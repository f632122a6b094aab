import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const BUILD_MS = 30 * 60_000
const REPOSITORY = join(import.meta.dirname, '../../../../..')
const REGISTRY = process.env['C2D_TEST_REGISTRY'] ?? 'localhost:5000'
const SERVICES = ['provider', 'operator-service', 'operator-engine'] as const
const PODS = ['pod-configuration', 'pod-publishing'] as const

/** The images of the system, made by this repository's Dockerfile. */
export interface SystemImages {
  /** By the name of the service; on this machine's Docker. */
  readonly services: Readonly<Record<string, string>>
  /** By the name of the pod, with its digest; in the cluster's registry. */
  readonly pods: Readonly<Record<(typeof PODS)[number], string>>
  /** What algorithms run in: an image with Node that is in the cluster's registry, with its digest. */
  readonly algorithm: { readonly image: string; readonly tag: string; readonly checksum: string }
}

/**
 * Builds the images (`scripts/build-images.sh`) and hands those of the pods to the cluster's registry. C2D_TEST_IMAGES
 * names images that were built already: `c2d/*:local`, where `*` is each one's name.
 * @throws Error where there is no Docker daemon, or the build fails
 */
export async function provideSystemImages(): Promise<SystemImages> {
  const built = process.env['C2D_TEST_IMAGES'] ?? (await build('c2d-stack', 'test'))
  const nameOf = (part: string): string => built.replace('*', part)
  const pods = await Promise.all(PODS.map(async (pod) => [pod, await push(nameOf(pod), `c2d-stack/${pod}`)] as const))
  const [image, tag] = [`${REGISTRY}/node`, '24-bookworm-slim']
  return {
    services: Object.fromEntries(SERVICES.map((service) => [service, nameOf(service)])),
    pods: Object.fromEntries(pods) as SystemImages['pods'],
    algorithm: { image, tag, checksum: (await digestOf(`${image}:${tag}`)).split('@')[1] ?? '' },
  }
}

async function build(registry: string, tag: string): Promise<string> {
  const env = { ...process.env, C2D_REGISTRY: registry, C2D_TAG: tag }
  await run('bash', [join(REPOSITORY, 'scripts/build-images.sh')], {
    env,
    timeout: BUILD_MS,
    maxBuffer: 64 * 1024 ** 2,
  })
  return `${registry}/*:${tag}`
}

async function push(image: string, name: string): Promise<string> {
  const pushed = `${REGISTRY}/${name}:test`
  await run('docker', ['tag', image, pushed])
  await run('docker', ['push', '--quiet', pushed])
  return digestOf(pushed)
}

/** `name@sha256:…`: a tag may be another image tomorrow, and a node keeps the one it knows. */
async function digestOf(image: string): Promise<string> {
  const format = '{{range .RepoDigests}}{{println .}}{{end}}'
  const { stdout } = await run('docker', ['image', 'inspect', '--format', format, image])
  const [repository] = image.split(/:[^:/]+$/)
  const found = stdout.split('\n').find((digest) => digest.startsWith(`${repository ?? ''}@`))
  if (!found) throw new Error(`${image} is not in a registry: ${stdout}`)
  return found
}
