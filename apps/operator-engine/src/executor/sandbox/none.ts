import { dirname } from 'node:path'
import type { LaunchCommand, SandboxRequest } from './sandbox.ts'
import { ENTER_SCRIPT, SANDBOX_VOLUME, STEP_MARK, buildSandboxEnv } from './sandbox.ts'

/**
 * How an algorithm runs where nothing seals it and the operator said that this is fine: as the engine's own user, with the machine in view.
 * There is no `/data`, so the texts that name it are rewritten to the job's folder; programs that spell it themselves do not work.
 */
export function buildUnsandboxedCommand(request: SandboxRequest): LaunchCommand {
  const move = (text: string) =>
    text.replace(
      new RegExp(`(^|[\\s"'=:])${SANDBOX_VOLUME}(?=$|[/\\s"':])`, 'g'),
      (_, before: string) => before + request.dataFolder,
    )
  const env = buildSandboxEnv(request)
  const moved = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, move(value)]))
  const binDirs = [...new Set(request.interpreters.map(({ binDir }) => binDir))]
  return {
    argv: ['/bin/sh', '-c', ENTER_SCRIPT, 'algorithm', ...request.command.map(move)],
    env: { ...moved, PATH: [...binDirs, '/usr/local/bin', '/usr/bin', '/bin'].join(':'), [STEP_MARK]: request.mark },
    cwd: dirname(request.dataFolder),
    handshake: 'announce',
    isolated: false,
  }
}
