import type { JsonObject } from './flatten.ts'

/** Whether a record is one of `nfdump -o json`, which names its addresses by their version. */
export function isNfdumpRecord(record: JsonObject): boolean {
  return 'in_packets' in record && ('src4_addr' in record || 'src6_addr' in record)
}

/** The record with its addresses under one name, whatever their version. */
export function withAddresses(record: JsonObject): JsonObject {
  const { src4_addr, src6_addr, dst4_addr, dst6_addr, ...rest } = record
  return { ...rest, src_addr: src4_addr ?? src6_addr, dst_addr: dst4_addr ?? dst6_addr }
}
