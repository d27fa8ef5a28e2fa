import type { Dialect } from '../dialect.ts'

/** Zeek's conn.log as CSV or JSON, with or without IoT-23's labels. Field meanings: docs.zeek.org, base/protocols/conn. */
export const zeekTable: Dialect = {
  name: 'Zeek',
  recognise: ['id_orig_h', 'id_resp_h', ['conn_state', 'duration', 'proto']],
  columns: {
    ts: 'ts',
    uid: 'uid',
    id_orig_h: 'orig_h',
    id_orig_p: 'orig_p',
    id_resp_h: 'resp_h',
    id_resp_p: 'resp_p',
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
    detailed_label: 'detailed_label',
    det_label: 'detailed_label',
  },
  skip: ['local_orig', 'local_resp', 'tunnel_parents', 'vlan', 'inner_vlan'],
}
