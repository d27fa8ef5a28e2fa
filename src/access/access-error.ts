/** Something about accounts that cannot be done, for the person who asked: the message says why and what to do. */
export class AccessError extends Error {
  override readonly name = 'AccessError'
  readonly reason: 'missing' | 'conflict' | 'wrong' | 'forbidden'

  constructor(reason: AccessError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}
