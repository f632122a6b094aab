import { readdir, readFile } from 'node:fs/promises'

/**
 * Ends whatever steps of jobs still run in a workspaces folder. Steps outlive their engine on purpose, so that the next
 * one adopts them; here no next one comes. Found by their environment, which names the folder; Linux only, as elsewhere
 * a step notices by itself that everybody is gone.
 */
export async function endSteps(workspacesFolder: string): Promise<void> {
  const entries = await readdir('/proc').catch(() => [])
  for (const pid of entries.filter((name) => /^\d+$/.test(name)).map(Number)) {
    // A process that is gone by now, or somebody else's, is none of ours.
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (pid === process.pid || !environment.includes(`=${workspacesFolder}/`)) continue
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it ended in between
    }
  }
}
