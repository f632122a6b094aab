/** When outputs are brought to a consumer again, in seconds. */
export interface DeliverySchedule {
  /** From the end of the job to the first time; doubles from then on, up to an hour. */
  firstPauseSeconds: number
  /** From the end of the job to the last time; 0: never again. */
  limitSeconds: number
}

/** How a delivery stands after one more try. */
export interface DeliveryState {
  /** Which try that was, from 1. */
  attempt: number
  /** Since the job ended. */
  ageSeconds: number
  /** Files that may yet arrive, and files that cannot: nothing of them is kept. */
  left: number
  hopeless: number
}

export type NextDelivery = { do: 'end' } | { do: 'giveUp' } | { do: 'postpone'; inSeconds: number }

const LONGEST_PAUSE_SECONDS = 3_600

/** What follows on a try. The last falls on the limit itself, however long the pause before it would be. Pure. */
export function decideNext(state: DeliveryState, schedule: DeliverySchedule): NextDelivery {
  const { attempt, ageSeconds, left, hopeless } = state
  if (left === 0) return hopeless === 0 ? { do: 'end' } : { do: 'giveUp' }
  const remainingSeconds = schedule.limitSeconds - ageSeconds
  if (remainingSeconds <= 0) return { do: 'giveUp' }
  const pauseSeconds = Math.min(schedule.firstPauseSeconds * 2 ** Math.min(attempt, 30), LONGEST_PAUSE_SECONDS)
  return { do: 'postpone', inSeconds: Math.min(pauseSeconds, remainingSeconds) }
}
