import type { Dialect } from '../dialect.ts'
import { serviceWord, suricataState } from '../words.ts'

/**
 * Suricata EVE `flow` and `netflow` events (docs.suricata.io, "Eve JSON Format"), nested names joined.
 * Its bytes are those of whole packets. A `netflow` event has one direction only; its fields come under
 * the names of `flow` (json/suricata-event.ts).
 */
export const suricata: Dialect = {
  name: 'Suricata EVE',
  recognise: ['event_type', 'src_ip', 'dest_ip', 'flow_start'],
  columns: {
    flow_id: 'uid',
    src_ip: 'orig_h',
    src_port: 'orig_p',
    dest_ip: 'resp_h',
    dest_port: 'resp_p',
    proto: 'proto',
    app_proto: { field: 'service', word: serviceWord },
    flow_start: 'ts',
    flow_end: 'end',
    flow_pkts_toserver: 'orig_pkts',
    flow_pkts_toclient: 'resp_pkts',
    flow_bytes_toserver: 'orig_ip_bytes',
    flow_bytes_toclient: 'resp_ip_bytes',
    flow_state: { field: 'conn_state', word: suricataState },
    ether_src_mac: 'orig_l2_addr',
    ether_dest_mac: 'resp_l2_addr',
  },
  skip: [
    'timestamp',
    'icmp_type',
    'icmp_code',
    'response_icmp_type',
    'response_icmp_code',
    'pcap_cnt',
    // Flags in hexadecimal.
    'tcp_tcp_flags',
    'tcp_tcp_flags_ts',
    'tcp_tcp_flags_tc',
    'flow_age',
    'vlan',
    'flow_src_port',
    'flow_dest_port',
    'parent_id',
    'spi',
    'community_id',
  ],
}
