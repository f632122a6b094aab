/** The kinds that a summary counts on their own; everything else is `wrong`. */
export type ViolationKind = 'lost' | 'doubled' | 'overlapped' | 'leaked' | 'wrong'

/** Something that must never happen, and did. */
export interface Violation {
  readonly kind: ViolationKind
  /** What happened to what; a job by its id. */
  readonly message: string
}
