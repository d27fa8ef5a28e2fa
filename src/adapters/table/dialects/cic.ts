import type { Dialect, DialectColumn } from '../dialect.ts'

/**
 * Flow durations are microseconds in the Java CICFlowMeter, seconds with a fraction in its Python port.
 */
const duration: DialectColumn = {
  field: 'duration',
  factor: (sample) => (sample.some((cell) => /\.\d*[1-9]/.test(cell)) ? 1 : 1e-6),
}

/** CIC-IDS2017 was recorded from 8 to 18 o'clock on 3 to 7 July 2017 and writes 12-hour times without AM or PM. */
const timestamp: DialectColumn = {
  field: 'ts',
  correct: {
    time: (seconds) => {
      const recorded = seconds >= Date.UTC(2017, 6, 3) / 1e3 && seconds < Date.UTC(2017, 6, 8) / 1e3
      return recorded && seconds % 86_400 < 8 * 3600 ? seconds + 12 * 3600 : seconds
    },
    note: 'hours from 1 to 7 are taken as afternoon: CIC-IDS2017 writes them without AM and PM',
  },
}

/**
 * CICFlowMeter: CIC-IDS2017, CSE-CIC-IDS2018, CIC-DDoS2019, in the long and the short spelling of its
 * headers. Lengths are payload bytes (Lashkari et al. 2017, "Characterization of Tor traffic").
 */
export const cicFlowMeter: Dialect = {
  name: 'CICFlowMeter',
  recognise: [
    'flow_duration',
    ['total_fwd_packets', 'total_fwd_packet', 'tot_fwd_pkts'],
    ['flow_iat_mean', 'flow_iat_max', 'fwd_iat_mean', 'flow_packets_s', 'flow_pkts_s'],
  ],
  columns: {
    flow_id: 'uid',
    source_ip: 'orig_h',
    src_ip: 'orig_h',
    source_port: 'orig_p',
    src_port: 'orig_p',
    destination_ip: 'resp_h',
    dst_ip: 'resp_h',
    destination_port: 'resp_p',
    dst_port: 'resp_p',
    protocol: 'proto',
    timestamp,
    flow_duration: duration,
    total_fwd_packets: 'orig_pkts',
    total_fwd_packet: 'orig_pkts',
    tot_fwd_pkts: 'orig_pkts',
    total_backward_packets: 'resp_pkts',
    total_bwd_packets: 'resp_pkts',
    tot_bwd_pkts: 'resp_pkts',
    total_length_of_fwd_packets: 'orig_bytes',
    total_length_of_fwd_packet: 'orig_bytes',
    fwd_packets_length_total: 'orig_bytes',
    totlen_fwd_pkts: 'orig_bytes',
    tot_len_fwd_pkts: 'orig_bytes',
    total_length_of_bwd_packets: 'resp_bytes',
    total_length_of_bwd_packet: 'resp_bytes',
    bwd_packets_length_total: 'resp_bytes',
    totlen_bwd_pkts: 'resp_bytes',
    tot_len_bwd_pkts: 'resp_bytes',
    label: 'label',
  },
  skip: ['', 'unnamed_0', 'similarhttp', 'similar_http', 'inbound', 'attempted_category'],
  // Rates of a flow of one packet divide by a duration of 0.
  unset: ['Infinity', '-Infinity', 'inf', '-inf'],
}

/** CICIoT2023 (Neto et al. 2023): summaries of packet windows, no addresses. Its `Duration` is the time to live. */
export const ciciot2023: Dialect = {
  name: 'CICIoT2023',
  recognise: ['header_length', 'protocol_type', 'rate', ['syn_flag_number', 'fin_flag_number']],
  columns: {
    flow_duration: 'duration',
    protocol_type: 'proto',
    label: 'label',
  },
  skip: ['', 'unnamed_0', 'index'],
  unset: ['Infinity', '-Infinity', 'inf', '-inf'],
  labels: { benign: ['benigntraffic', 'benign_final'] },
}
