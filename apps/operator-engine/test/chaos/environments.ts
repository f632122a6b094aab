/** Of every environment: whom orders are for. */
export const ENVIRONMENT_KEY = `0x${'02'.repeat(32)}`
/** An environment whose limit no ordinary job meets, and one whose limit an `overtime` job meets soon. */
export const ENVIRONMENTS = { steady: { id: 'steady', maxJobs: 3 }, brief: { id: 'brief', maxJobs: 2 } } as const
/** How long an algorithm may run in each, in seconds. */
export const DURATION_SECONDS = { steady: 120, brief: 2 }
