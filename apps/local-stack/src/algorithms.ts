import { fileURLToPath } from 'node:url'
import type { AlgorithmName } from './options.ts'

/** An algorithm of the demonstration, and the container it would run in where containers run. */
export interface DemonstrationAlgorithm {
  readonly name: AlgorithmName
  /** As it is published. */
  readonly title: string
  readonly fileName: string
  /** The file itself. */
  readonly path: string
  readonly container: {
    readonly entrypoint: string
    readonly image: string
    readonly tag: string
    readonly checksum: string
  }
}

const pathOf = (fileName: string): string => fileURLToPath(new URL(`../algorithms/${fileName}`, import.meta.url))

/**
 * The published algorithms. The images are public ones that bring the interpreter named by the entrypoint: a cluster
 * pulls them; the process executor runs this machine's interpreter instead (DESIGN §5).
 */
export const ALGORITHMS: Readonly<Record<AlgorithmName, DemonstrationAlgorithm>> = {
  node: {
    name: 'node',
    title: 'Wage gap by gender and education',
    fileName: 'wage-gap.cjs',
    path: pathOf('wage-gap.cjs'),
    container: {
      entrypoint: 'node $ALGO',
      image: 'ghcr.io/oceanprotocol/c2d_examples',
      tag: 'js-general',
      checksum: 'sha256:75d2abe7651d54b074093e2cf44470d6c1abd7923eab08d86a0778f0a0ff9a6a',
    },
  },
  python: {
    name: 'python',
    title: 'Wage regression on education and experience',
    fileName: 'wage_regression.py',
    path: pathOf('wage_regression.py'),
    container: {
      entrypoint: 'python3 $ALGO',
      image: 'oceanprotocol/algo_dockers',
      tag: 'python-branin',
      checksum: 'sha256:8221d20c1c16491d7d56b9657ea09082c0ee4a8ab1a6621fa720da58b09580e4',
    },
  },
}
