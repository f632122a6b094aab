import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Programs that a cluster cannot do without. */
export const CLUSTER_PROGRAMS = ['apiserver', 'kubelet', 'etcd'] as const
export type ClusterProgram = (typeof CLUSTER_PROGRAMS)[number]

/** What may be done to the test cluster itself. */
export interface ClusterPrograms {
  /** SIGKILL, or what it stands for. */
  kill(program: ClusterProgram): Promise<void>
  /** Starts whatever is missing; resolves when the cluster is whole again. */
  heal(): Promise<void>
}

/**
 * Shell commands that hurt the cluster, and the one that heals it; given by whoever owns it, as others may be using it:
 * C2D_TEST_KUBECONFIG_FAULTS=1, C2D_TEST_KILL_APISERVER, C2D_TEST_KILL_KUBELET, C2D_TEST_KILL_ETCD, C2D_TEST_HEAL.
 * @returns null where not all of them are given
 */
export function findClusterPrograms(): ClusterPrograms | null {
  const heal = process.env['C2D_TEST_HEAL']
  const commands = CLUSTER_PROGRAMS.map((program) => process.env[`C2D_TEST_KILL_${program.toUpperCase()}`])
  if (process.env['C2D_TEST_KUBECONFIG_FAULTS'] !== '1' || !heal || commands.includes(undefined)) return null
  const shell = async (command: string): Promise<void> => {
    await promisify(execFile)('sh', ['-c', command])
  }
  return {
    kill: (program) => shell(commands[CLUSTER_PROGRAMS.indexOf(program)] ?? ''),
    heal: () => shell(heal),
  }
}
