import { delimiter, dirname } from 'node:path'

/** What the surroundings of the program say: the only place that reads them. */
export interface Surroundings {
  /** Whether colours are unwanted (https://no-color.org). */
  readonly noColour: boolean
  /** Where programs are found, this Node's own folder first: children inherit nothing else. */
  readonly path: string
}

/** Reads the surroundings from the environment. */
export function loadSurroundings(env: Readonly<Record<string, string | undefined>>): Surroundings {
  return {
    noColour: Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb',
    path: [dirname(process.execPath), env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'].join(delimiter),
  }
}

/** Tells ocean.js where the contracts are: it reads this from the environment, and from nowhere else. */
export function publishAddressFile(path: string): void {
  process.env['ADDRESS_FILE'] = path
}
