import type { Dialect } from '../dialect.ts'
import { serviceWord } from '../words.ts'

/** TON_IoT network files (Moustafa 2021): Zeek's fields under src/dst names. Its telemetry files are plain readings. */
export const tonIot: Dialect = {
  name: 'TON_IoT',
  recognise: ['src_ip', 'dst_ip', 'conn_state', 'src_ip_bytes', 'dst_ip_bytes'],
  columns: {
    ts: 'ts',
    src_ip: 'orig_h',
    src_port: 'orig_p',
    dst_ip: 'resp_h',
    dst_port: 'resp_p',
    proto: 'proto',
    service: { field: 'service', word: serviceWord },
    duration: 'duration',
    src_bytes: 'orig_bytes',
    dst_bytes: 'resp_bytes',
    conn_state: 'conn_state',
    missed_bytes: 'missed_bytes',
    src_pkts: 'orig_pkts',
    src_ip_bytes: 'orig_ip_bytes',
    dst_pkts: 'resp_pkts',
    dst_ip_bytes: 'resp_ip_bytes',
    label: 'label',
    type: 'detailed_label',
  },
}

/** RT-IoT2022 (Sharmila and Nagapadma 2023): made with Zeek's flowmeter; three of its classes are normal device use. */
export const rtIot2022: Dialect = {
  name: 'RT-IoT2022',
  recognise: ['fwd_pkts_tot', 'bwd_pkts_tot', 'flow_duration', 'fwd_pkts_payload_tot'],
  columns: {
    ts: 'ts',
    uid: 'uid',
    id_orig_h: 'orig_h',
    id_orig_p: 'orig_p',
    id_resp_h: 'resp_h',
    id_resp_p: 'resp_p',
    proto: 'proto',
    service: { field: 'service', word: serviceWord },
    flow_duration: 'duration',
    fwd_pkts_tot: 'orig_pkts',
    bwd_pkts_tot: 'resp_pkts',
    fwd_pkts_payload_tot: 'orig_bytes',
    bwd_pkts_payload_tot: 'resp_bytes',
    attack_type: 'label',
  },
  skip: ['', 'no', 'unnamed_0'],
  labels: { benign: ['mqtt_publish', 'thing_speak', 'wipro_bulb', 'amazon-alexa'] },
}

/** Absent protocol layers are 0 there, `0.0` after a round through pandas. */
const absentHost = (text: string) => (/^0(\.0)?$/.test(text) ? '' : text)

/** Edge-IIoTset (Ferrag et al. 2022): one packet a row, as a flow of one packet from tshark's fields. */
export const edgeIiotset: Dialect = {
  name: 'Edge-IIoTset',
  recognise: ['ip_src_host', 'ip_dst_host', ['attack_label', 'attack_type', 'tcp_dstport']],
  columns: {
    frame_time: 'ts',
    ip_src_host: { field: 'orig_h', word: absentHost, anyAddress: true },
    ip_dst_host: { field: 'resp_h', word: absentHost, anyAddress: true },
    tcp_srcport: 'orig_p',
    tcp_dstport: 'resp_p',
    tcp_len: 'orig_bytes',
    attack_label: 'label',
    attack_type: 'detailed_label',
  },
  skip: ['', 'unnamed_0', 'tcp_checksum', 'tcp_seq', 'tcp_ack', 'tcp_ack_raw', 'icmp_checksum', 'udp_stream'],
}
