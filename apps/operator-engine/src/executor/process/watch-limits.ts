import { join } from 'node:path'
import type { StepEndReason } from '../executor.ts'
import type { RunnerOrder } from './runner-order.ts'
import { countThreads, listDescendants, readMemory } from './process-table.ts'
import { measureFolder } from './workspace.ts'

const MEMORY_EVERY_MS = 100
const WORKSPACE_EVERY_MS = 500
const WRITABLE_FOLDERS = ['outputs', 'logs']
const READ_ONLY_FOLDERS = ['inputs', 'transformations', 'ddos']

/** What a step uses up, looked at while it runs. */
export interface LimitsWatch {
  /** Looks at the workspace once more, for a step that ended before the next look. */
  isWorkspaceFull(): Promise<boolean>
  close(): void
}

/**
 * Looks at the memory, the process count and (for a stranger's code) the workspace of a running step, and tells the first limit that it
 * breaks, once. The backstop deadline is `maxDurationSeconds + graceSeconds`: it fires only where no engine was there to stop the step.
 */
export function watchLimits(
  order: RunnerOrder,
  dataFolder: string,
  pid: number,
  onBroken: (reason: StepEndReason, message: string) => void,
): LimitsWatch {
  const { limits, maxProcesses } = order
  let readOnlyBytes: number | null = null
  let measuring = false
  const measureAll = async (folders: string[]) => {
    let bytes = 0
    for (const folder of folders) bytes += await measureFolder(join(dataFolder, folder))
    return bytes
  }
  const measure = async () => {
    // What the algorithm cannot write to does not change while it runs.
    readOnlyBytes ??= await measureAll(READ_ONLY_FOLDERS)
    return readOnlyBytes + (await measureAll(WRITABLE_FOLDERS))
  }
  const lookAtMemory = () => {
    const pids = [pid, ...listDescendants(pid)]
    const bytes = readMemory(pids, limits.memoryBytes)
    if (bytes > limits.memoryBytes) onBroken('OutOfMemory', `${bytes} bytes in use, ${limits.memoryBytes} allowed`)
    // The kernel refuses the one that is too many; a kernel that counts otherwise is caught here.
    else if (pids.length > maxProcesses * 2 || countThreads(pids) > maxProcesses * 2)
      onBroken('TooManyProcesses', `more than ${maxProcesses} processes`)
  }
  const lookAtWorkspace = async () => {
    if (measuring) return
    measuring = true
    try {
      const bytes = await measure()
      if (bytes > limits.workspaceBytes)
        onBroken('WorkspaceFull', `${bytes} bytes in the workspace, ${limits.workspaceBytes} allowed`)
    } finally {
      measuring = false
    }
  }
  const deadlineMs = (limits.maxDurationSeconds + limits.graceSeconds) * 1000
  const timers = [
    setInterval(lookAtMemory, MEMORY_EVERY_MS),
    // A timer holds at most 2^31 - 1 ms; a longer deadline is no deadline for a backstop.
    setTimeout(() => onBroken('TimedOut', 'the backstop deadline passed'), Math.min(deadlineMs, 2 ** 31 - 1)),
  ]
  if (order.untrusted) timers.push(setInterval(() => void lookAtWorkspace(), WORKSPACE_EVERY_MS))
  return {
    // A single file stops growing one byte before the limit, hence the slack of one block.
    isWorkspaceFull: async () => order.untrusted && (await measure()) + 4096 >= limits.workspaceBytes,
    close: () => {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
