/** A statement for a bare `pg` client. */
export interface Statement {
  text: string
  values: unknown[]
}
