import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { ID_MAP } from '../sandbox/map-user.ts'
import type { LaunchCommand } from '../sandbox/sandbox.ts'

/** A command on its way. */
export interface Launched {
  readonly child: ChildProcess
  /** Whether the command itself got to run: false when the program is missing or its sandbox could not be built. */
  readonly entered: Promise<boolean>
}

/**
 * Starts a command in a session of its own, with nothing inherited but `outputFd` as its output and errors, and goes through the
 * handshake that its sandbox asks for.
 */
export function launch(command: LaunchCommand, outputFd: number): Launched {
  const [file = '', ...rest] = command.argv
  const channelKind = command.handshake === 'none' ? 'ignore' : 'pipe'
  const child = spawn(file, rest, {
    cwd: command.cwd,
    env: command.env,
    detached: true,
    stdio: ['ignore', outputFd, outputFd, channelKind],
  })
  const entered = new Promise<boolean>((resolve) => {
    child.once('error', () => {
      resolve(false)
    })
    if (command.handshake === 'none') {
      child.once('spawn', () => {
        resolve(true)
      })
      return
    }
    const channel = child.stdio[3] as Socket | null | undefined
    if (!channel) {
      resolve(false)
      return
    }
    // The other end closes with the process; what a broken channel means is said by `close`.
    channel.on('error', () => undefined)
    channel.on('close', () => {
      resolve(false)
    })
    channel.on('data', (bytes: Buffer) => {
      for (const letter of bytes.toString('latin1')) {
        if (letter === 'u' && command.handshake === 'map') mapUsers(child, channel)
        if (letter === 's') resolve(true)
      }
    })
  })
  return { child, entered }
}

function mapUsers(child: ChildProcess, channel: Socket): void {
  try {
    writeFileSync(`/proc/${child.pid}/uid_map`, ID_MAP)
    writeFileSync(`/proc/${child.pid}/gid_map`, ID_MAP)
    channel.write('go\n')
  } catch {
    // Not allowed on this machine: the other side reads the end of the channel and gives up, so nothing was entered.
    channel.destroy()
  }
}
