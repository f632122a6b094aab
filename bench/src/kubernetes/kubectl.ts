import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** Speaks to the cluster of a bench as a script would. */
export type Kubectl = (args: readonly string[], input?: object) => Promise<string>

/** @param kubeconfig of a cluster that may be used for measuring */
export function createKubectl(kubeconfig: string): Kubectl {
  return (args, input) => run('kubectl', ['--kubeconfig', kubeconfig, ...args], input)
}

/** Runs a program to its end. @throws Error with what it said when it fails */
export async function run(command: string, args: readonly string[], input?: object): Promise<string> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(input === undefined ? '' : JSON.stringify(input))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [out, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${complaint}`)
  return out
}
