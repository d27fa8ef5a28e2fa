import type { JsonObject } from './flatten.ts'

/** Whether a record is one of `nfdump -o json`, which names its addresses by their version. */
export function isNfdumpRecord(record: JsonObject): boolean {
  return 'in_packets' in record && ('src4_addr' in record || 'src6_addr' in record)
}

/** The record with its addresses under one name, whatever their version. */
export function withAddresses(record: JsonObject): JsonObject {
  return {
    ...record,
    src_addr: record.src4_addr ?? record.src6_addr,
    dst_addr: record.dst4_addr ?? record.dst6_addr,
    src4_addr: undefined,
    dst4_addr: undefined,
    src6_addr: undefined,
    dst6_addr: undefined,
  }
}
