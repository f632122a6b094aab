/**
 * Ends whatever steps of jobs still run in a workspaces folder: node end-steps.js FOLDER. Steps outlive their engine on
 * purpose, so that the next one adopts them; here no next one comes. A program of its own, so that it runs where the
 * stack itself was killed. Steps are found by their environment, which names the folder; Linux only, as elsewhere a step
 * notices by itself that everybody is gone.
 */
import { readdir, readFile } from 'node:fs/promises'

/** Kills the processes that are there at this moment. @returns how many */
async function sweep(workspacesFolder: string): Promise<number> {
  let killed = 0
  const entries = await readdir('/proc').catch(() => [])
  for (const pid of entries.filter((name) => /^\d+$/.test(name)).map(Number)) {
    // A process that is gone by now, or somebody else's, is none of ours.
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (pid === process.pid || !environment.includes(`=${workspacesFolder}/`)) continue
    try {
      process.kill(pid, 'SIGKILL')
      killed++
    } catch {
      // it ended in between
    }
  }
  return killed
}

const [, , workspacesFolder] = process.argv
if (!workspacesFolder) throw new Error('usage: end-steps FOLDER')
// Again while there was somebody: what has just been killed may have started another.
while ((await sweep(workspacesFolder)) > 0);
