import { setTimeout as pause } from 'node:timers/promises'
import type SQLite from 'better-sqlite3'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'

/** Statements kept prepared; beyond it the oldest is prepared again when it comes back. */
const MOST_STATEMENTS = 200

/** The two connections of one process thread: reading never waits for a transaction that is being written. */
export interface Connections {
  readonly writer: SQLite.Database
  readonly reader: SQLite.Database
}

/**
 * SQLite through better-sqlite3. Kysely's own dialect has one connection, on which a query waits for every open
 * transaction, begins transactions that fail when another process has written since, and blocks the thread while
 * another process holds the lock. Here reading has a connection of its own, transactions take the lock when they
 * begin, and waiting for it leaves the thread to others.
 *
 * @param patience milliseconds to wait for a lock
 */
export function sqliteDialect(connections: Connections, patience: number): Dialect {
  return {
    createAdapter: () => new Adapter(),
    createDriver: () => new SqliteDriver(connections, patience),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

/** Tables are made in a transaction: two processes that start at once make them once, a killed one leaves nothing half. */
class Adapter extends SqliteAdapter {
  /** The driver below takes turns itself, and only for writing. */
  override get supportsMultipleConnections(): boolean {
    return true
  }

  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class SqliteDriver implements Driver {
  readonly #connections: Connections
  readonly #turn = new Turn()
  readonly #patience: number
  readonly #prepared = { writer: new Prepared(), reader: new Prepared() }

  constructor(connections: Connections, patience: number) {
    this.#connections = connections
    this.#patience = patience
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new Connection((query, inside) => this.#run(query, inside))
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#turn.take()
    try {
      await this.#patiently(() => this.#connections.writer.exec('begin immediate'))
    } catch (error) {
      this.#turn.give()
      throw error
    }
    ;(connection as Connection).inTransaction = true
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#patiently(() => this.#connections.writer.exec('commit'))
    this.#end(connection)
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk may have rolled back already.
    try {
      if (this.#connections.writer.inTransaction) this.#connections.writer.exec('rollback')
    } finally {
      this.#end(connection)
    }
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#connections.reader.close()
    this.#connections.writer.close()
  }

  #end(connection: DatabaseConnection): void {
    ;(connection as Connection).inTransaction = false
    this.#turn.give()
  }

  async #run(query: CompiledQuery, inTransaction: boolean): Promise<QueryResult<never>> {
    const { reader, writer } = this.#connections
    if (inTransaction) return execute(this.#prepared.writer.get(writer, query.sql), query)
    const statement = this.#prepared.reader.get(reader, query.sql)
    if (statement.readonly) return execute(statement, query)
    await this.#turn.take()
    try {
      return await this.#patiently(() => execute(this.#prepared.writer.get(writer, query.sql), query))
    } finally {
      this.#turn.give()
    }
  }

  async #patiently<T>(action: () => T): Promise<T> {
    const end = performance.now() + this.#patience
    for (let wait = 1; ; wait = Math.min(20, wait * 2)) {
      try {
        return action()
      } catch (error) {
        if (!isBusy(error) || performance.now() >= end) throw error
      }
      await pause(wait * (0.5 + Math.random()))
    }
  }
}

function execute(statement: SQLite.Statement, query: CompiledQuery): QueryResult<never> {
  if (statement.reader) return { rows: statement.all(query.parameters) as never[] }
  const { changes, lastInsertRowid } = statement.run(query.parameters)
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
}

/** Whether another connection held the lock for too long. */
export function isBusy(error: unknown): boolean {
  return String((error as { code?: unknown } | undefined)?.code).startsWith('SQLITE_BUSY')
}

class Connection implements DatabaseConnection {
  inTransaction = false
  readonly #run: (query: CompiledQuery, inTransaction: boolean) => Promise<QueryResult<never>>

  constructor(run: (query: CompiledQuery, inTransaction: boolean) => Promise<QueryResult<never>>) {
    this.#run = run
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.#run(query, this.inTransaction)
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query)
  }
}

/** One transaction at a time on the writing connection, in the order they asked. */
class Turn {
  #taken = false
  readonly #waiting: (() => void)[] = []

  async take(): Promise<void> {
    if (!this.#taken) this.#taken = true
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  give(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#taken = false
  }
}

/** Prepared statements by their text. */
class Prepared {
  readonly #statements = new Map<string, SQLite.Statement>()

  get(db: SQLite.Database, sql: string): SQLite.Statement {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = db.prepare(sql)
      if (this.#statements.size >= MOST_STATEMENTS) {
        this.#statements.delete(this.#statements.keys().next().value!)
      }
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
