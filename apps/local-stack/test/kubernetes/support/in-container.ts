import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { ServiceSettings } from '../../../src/stack/service.ts'

const run = promisify(execFile)

/** Turns services into containers of an image each, hardened as docker-compose.yml hardens them. */
export interface Containers {
  /** @param mounts files of this machine that it reads, at the same paths */
  adapt(settings: ServiceSettings, image: string, mounts: readonly string[]): ServiceSettings
  /** Removes those that are left, whatever state they are in. */
  remove(): Promise<void>
}

/** Finds Docker, and names what it will run. */
export async function createContainers(): Promise<Containers> {
  const label = `c2d-stack=${randomBytes(6).toString('hex')}`
  const { stdout } = await run('sh', ['-c', 'command -v docker'])
  const docker = stdout.trim()
  const ours = Object.fromEntries(
    ['PATH', 'HOME', 'DOCKER_HOST'].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
  return {
    adapt: (settings, image, mounts) => ({
      ...settings,
      // Its settings reach the container by the client's own environment: no list of processes shows a key.
      env: { ...settings.env, ...ours },
      command: [
        ...([docker, 'run', '--rm', '--init', '--label', label, '--network', 'host'] as const),
        ...['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
        ...mounts.flatMap((path) => ['--volume', `${path}:${path}:ro`]),
        ...Object.keys(settings.env).flatMap((name) => (name in ours ? [] : ['--env', name])),
        image,
      ],
    }),
    async remove() {
      const left = await run('docker', ['ps', '--all', '--quiet', '--filter', `label=${label}`])
      const ids = left.stdout.split('\n').filter(Boolean)
      if (ids.length > 0) await run('docker', ['rm', '--force', ...ids])
    },
  }
}
