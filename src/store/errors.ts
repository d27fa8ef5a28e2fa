/** A database that cannot be used as asked; the message says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}

/** A cursor that no page of this list gave. */
export class CursorError extends Error {
  override readonly name = 'CursorError'
}

/** Too much is waiting, or another process holds the lock: nothing was taken in, trying again later makes sense. */
export class Busy extends Error {
  override readonly name = 'Busy'
  /** Seconds. */
  readonly retryAfter: number

  constructor(message: string, retryAfter: number) {
    super(message)
    this.retryAfter = retryAfter
  }
}

/** The database takes no more data: disk or quota is full. Nothing was taken in. */
export class StoreFull extends Error {
  override readonly name = 'StoreFull'
}

/** An error of SQLite or PostgreSQL as one of the errors above, where it is one that passes or can be remedied. */
export function storeError(error: unknown): unknown {
  const { code, message } = error as { code?: string; message?: string }
  if (code === undefined) return error
  if (/^(SQLITE_FULL|SQLITE_IOERR_(WRITE|SHMSIZE|FSYNC)|53100$|ENOSPC$)/.test(code)) {
    return new StoreFull('the disk of the database takes no more; free space on it')
  }
  // 55P03 lock not available, 40P01 deadlock, 40001 serialization, 53300 too many connections, 57P0x shutdown.
  const passing = /^(SQLITE_BUSY|SQLITE_LOCKED|55P03$|40P01$|40001$|53300$|57P0|08|ECONN|EPIPE)/
  if (passing.test(code)) return new Busy(`the database is busy: ${message}; try again`, 2)
  return error
}
