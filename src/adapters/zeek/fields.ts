import type { FlowField } from '../table/flow-writer.ts'

/** Zeek's name of a conn.log field -> standard field. IoT-23 adds its labels under several names. */
export const ZEEK_FIELDS: Readonly<Record<string, FlowField>> = {
  ts: 'ts',
  uid: 'uid',
  'id.orig_h': 'orig_h',
  'id.orig_p': 'orig_p',
  'id.resp_h': 'resp_h',
  'id.resp_p': 'resp_p',
  // The number says more than the word, which is 'unknown_transport' for most.
  ip_proto: 'proto',
  proto: 'proto',
  service: 'service',
  duration: 'duration',
  orig_bytes: 'orig_bytes',
  resp_bytes: 'resp_bytes',
  conn_state: 'conn_state',
  missed_bytes: 'missed_bytes',
  history: 'history',
  orig_pkts: 'orig_pkts',
  orig_ip_bytes: 'orig_ip_bytes',
  resp_pkts: 'resp_pkts',
  resp_ip_bytes: 'resp_ip_bytes',
  orig_l2_addr: 'orig_l2_addr',
  resp_l2_addr: 'resp_l2_addr',
  label: 'label',
  'detailed-label': 'detailed_label',
  detailed_label: 'detailed_label',
  det_label: 'detailed_label',
  detailedlabel: 'detailed_label',
}
