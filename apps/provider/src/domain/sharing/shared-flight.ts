/** Lets callers that ask the same while the answer is on its way share that answer; nothing is remembered after it. */
export type SharedFlight<T> = (key: string, load: () => Promise<T>) => Promise<T>

/** Creates an empty one. Callers that share a flight share its failure, too. */
export function createSharedFlight<T>(): SharedFlight<T> {
  const flights = new Map<string, Promise<T>>()
  return (key, load) => {
    const known = flights.get(key)
    if (known) return known
    const flight = load().finally(() => flights.delete(key))
    flights.set(key, flight)
    return flight
  }
}
