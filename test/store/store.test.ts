import { describe } from 'vitest'
import { storeContract } from './contract.ts'
import { postgresForTest, sqliteForTest } from './databases.ts'

describe('on SQLite', () => storeContract(sqliteForTest))
describe('on PostgreSQL', () => storeContract(() => postgresForTest('store')))
