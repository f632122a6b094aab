/**
 * Why a job, or one of its steps, ended the way it did: the machine word beside the sentence (DESIGN §4.9).
 * A job that ran to its end with exit code 0 has no reason.
 */
export const REASONS = {
  AlgorithmFailed: 'The algorithm ended with a non-zero exit code.',
  OutOfMemory: 'The algorithm used more memory than its environment allows.',
  TimedOut: 'The algorithm ran longer than it was paid or allowed for.',
  WorkspaceFull: 'The algorithm wrote more than its workspace holds.',
  TooManyProcesses: 'The algorithm started more processes than its environment allows.',
  Stopped: 'The consumer asked to stop the job.',
  InputFetchFailed: 'A dataset could not be fetched.',
  InputRejected: 'A dataset was fetched, but its bytes are not the expected ones.',
  InputTooLarge: 'Datasets or algorithm need more room than the job has.',
  AlgorithmFetchFailed: 'The algorithm could not be fetched.',
  AlgorithmRejected: 'The algorithm was fetched, but its bytes are not the ones that were checked.',
  QueueTimedOut: 'The job waited longer for a free slot than its environment allows.',
  NetworkNotSealed: 'The network could not be shown to be sealed, so the algorithm was not run.',
  ImagePullFailed: 'The container image of the algorithm could not be pulled.',
  Unschedulable: 'No machine had room for a step of the job.',
  Evicted: 'The machine that ran a step was taken away, or gave the step up.',
  StepLost: 'A step ended without saying why.',
  StartFailed: 'A step could not be started.',
  PublishFailed: 'Outputs or logs could not be stored.',
  OutputRefused: 'Outputs exceed what their environment allows, so that some were not stored.',
  Abandoned: 'The job was left unfinished by an earlier system.',
  InternalError: 'Something on our side went wrong; the operator has the details.',
} as const

export type Reason = keyof typeof REASONS
export const REASON_NAMES = Object.keys(REASONS) as [Reason, ...Reason[]]
