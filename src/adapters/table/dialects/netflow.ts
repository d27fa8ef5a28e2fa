import type { Dialect } from '../dialect.ts'
import { serviceWord } from '../words.ts'

/** nfstream's `to_csv` (Aouini and Pekar 2022): bytes of whole packets, times in milliseconds. */
export const nfstream: Dialect = {
  name: 'nfstream',
  recognise: [
    'src_ip',
    'dst_ip',
    ['bidirectional_first_seen_ms', 'src2dst_packets', 'bidirectional_packets'],
  ],
  columns: {
    src_ip: 'orig_h',
    src_mac: 'orig_l2_addr',
    src_port: 'orig_p',
    dst_ip: 'resp_h',
    dst_mac: 'resp_l2_addr',
    dst_port: 'resp_p',
    protocol: 'proto',
    bidirectional_first_seen_ms: 'ts',
    bidirectional_last_seen_ms: 'end',
    bidirectional_duration_ms: { field: 'duration', factor: 1e-3 },
    src2dst_packets: 'orig_pkts',
    src2dst_bytes: 'orig_ip_bytes',
    dst2src_packets: 'resp_pkts',
    dst2src_bytes: 'resp_ip_bytes',
    application_name: { field: 'service', word: serviceWord },
    label: 'label',
  },
  skip: [
    '',
    'id',
    'expiration_id',
    'vlan_id',
    'tunnel_id',
    'ip_version',
    'application_is_guessed',
    'application_confidence',
    'src2dst_first_seen_ms',
    'src2dst_last_seen_ms',
    'dst2src_first_seen_ms',
    'dst2src_last_seen_ms',
  ],
}

const ONE_DIRECTION =
  'NetFlow records may hold one direction only; the answer is then a record of its own (nfdump -b joins them)'

/** `nfdump -o csv` of 1.6 and 1.7; a summary follows the rows. */
export const nfdump: Dialect = {
  name: 'nfdump',
  recognise: [
    ['ts', 'first_seen'],
    ['sa', 'src_addr'],
    ['da', 'dst_addr'],
    ['ibyt', 'in_byte', 'bytes', 'in_bytes'],
    ['pr', 'proto'],
  ],
  columns: {
    ts: 'ts',
    first_seen: 'ts',
    te: 'end',
    last_seen: 'end',
    td: 'duration',
    duration: 'duration',
    sa: 'orig_h',
    src_addr: { field: 'orig_h', anyAddress: true },
    da: 'resp_h',
    dst_addr: { field: 'resp_h', anyAddress: true },
    sp: 'orig_p',
    src_port: 'orig_p',
    dp: 'resp_p',
    dst_port: 'resp_p',
    pr: 'proto',
    proto: 'proto',
    ipkt: 'orig_pkts',
    in_packet: 'orig_pkts',
    packets: 'orig_pkts',
    ibyt: 'orig_ip_bytes',
    in_byte: 'orig_ip_bytes',
    bytes: 'orig_ip_bytes',
    opkt: 'resp_pkts',
    out_packet: 'resp_pkts',
    obyt: 'resp_ip_bytes',
    out_byte: 'resp_ip_bytes',
    label: 'label',
  },
  endsAt: 'Summary',
  note: ONE_DIRECTION,
}

/** `nfdump -o json` (its addresses are brought under one name in json/nfdump-record.ts). */
export const nfdumpJson: Dialect = {
  name: 'nfdump',
  recognise: ['first', 'in_packets', 'in_bytes', 'src_addr', 'dst_addr'],
  columns: {
    first: 'ts',
    last: 'end',
    src_addr: 'orig_h',
    src_port: 'orig_p',
    dst_addr: 'resp_h',
    dst_port: 'resp_p',
    proto: 'proto',
    in_packets: 'orig_pkts',
    in_bytes: 'orig_ip_bytes',
    out_packets: 'resp_pkts',
    out_bytes: 'resp_ip_bytes',
    label: 'label',
  },
  skip: ['type', 'export_sysid', 'received'],
  note: ONE_DIRECTION,
}

/** NetFlow v9 fields by their names in the NF-* data sets (Sarhan et al. 2021) and in nProbe. */
export const netflowFields: Dialect = {
  name: 'NetFlow v9 fields',
  recognise: ['ipv4_src_addr', 'ipv4_dst_addr', 'in_bytes'],
  columns: {
    ipv4_src_addr: 'orig_h',
    l4_src_port: 'orig_p',
    ipv4_dst_addr: 'resp_h',
    l4_dst_port: 'resp_p',
    protocol: 'proto',
    flow_start_milliseconds: 'ts',
    flow_end_milliseconds: 'end',
    flow_duration_milliseconds: { field: 'duration', factor: 1e-3 },
    in_bytes: 'orig_ip_bytes',
    in_pkts: 'orig_pkts',
    out_bytes: 'resp_ip_bytes',
    out_pkts: 'resp_pkts',
    label: 'label',
    attack: 'detailed_label',
  },
}
