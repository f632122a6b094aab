import { sleep } from '@c2d/runtime'

const PAUSE_MS = 100

/** Does something again until the database that is being tormented lets it happen. @throws the last error, in the end */
export async function withPatience<T>(act: () => Promise<T>, patienceMs = 120_000): Promise<T> {
  const giveUpAtMs = performance.now() + patienceMs
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error
      await sleep(PAUSE_MS)
    }
  }
}
