import type { Dialect, DialectColumn } from '../dialect.ts'
import { argusState, serviceWord } from '../words.ts'

/*
 * Argus and the data sets made with it. Argus counts bytes of whole packets, so they are ip_bytes here;
 * payload bytes are unset. Its states become Zeek's (words.ts).
 */

const state: DialectColumn = { field: 'conn_state', word: argusState }
const service: DialectColumn = { field: 'service', word: serviceWord }
/** ARP and link-layer records name MAC addresses or nothing. */
const host = (field: 'orig_h' | 'resp_h'): DialectColumn => ({ field, anyAddress: true })

/** `ra -c ,` output and the binetflow files of CTU-13. */
export const argus: Dialect = {
  name: 'Argus',
  recognise: [['start_time', 'stime'], 'src_addr', 'dst_addr', ['tot_bytes', 'tot_pkts', 'state']],
  columns: {
    start_time: 'ts',
    stime: 'ts',
    last_time: 'end',
    ltime: 'end',
    dur: 'duration',
    proto: 'proto',
    src_addr: host('orig_h'),
    sport: 'orig_p',
    dst_addr: host('resp_h'),
    dport: 'resp_p',
    state,
    tot_pkts: 'total_pkts',
    tot_bytes: 'total_ip_bytes',
    src_bytes: 'orig_ip_bytes',
    dst_bytes: 'resp_ip_bytes',
    src_pkts: 'orig_pkts',
    dst_pkts: 'resp_pkts',
    label: 'label',
  },
  skip: ['flgs', 'dir'],
  // Records by which the probe tells of itself.
  noFlow: ['man'],
}

const UNSW_NAMES = (
  'srcip sport dstip dsport proto state dur sbytes dbytes sttl dttl sloss dloss service Sload Dload Spkts ' +
  'Dpkts swin dwin stcpb dtcpb smeansz dmeansz trans_depth res_bdy_len Sjit Djit Stime Ltime Sintpkt Dintpkt ' +
  'tcprtt synack ackdat is_sm_ips_ports ct_state_ttl ct_flw_http_mthd is_ftp_login ct_ftp_cmd ct_srv_src ' +
  'ct_srv_dst ct_dst_ltm ct_src_ltm ct_src_dport_ltm ct_dst_sport_ltm ct_dst_src_ltm attack_cat Label'
).split(' ')

/** UNSW-NB15 (Moustafa and Slay 2015): the four raw files without header, and the training and testing sets. */
export const unswNb15: Dialect = {
  name: 'UNSW-NB15',
  recognise: ['sttl', 'dttl', 'dur', 'sbytes', 'dbytes', 'spkts'],
  columns: {
    srcip: 'orig_h',
    sport: 'orig_p',
    dstip: 'resp_h',
    dsport: 'resp_p',
    proto: 'proto',
    state,
    dur: 'duration',
    sbytes: 'orig_ip_bytes',
    dbytes: 'resp_ip_bytes',
    spkts: 'orig_pkts',
    dpkts: 'resp_pkts',
    service,
    stime: 'ts',
    ltime: 'end',
    attack_cat: 'detailed_label',
    label: 'label',
  },
  skip: ['', 'id', 'stcpb', 'dtcpb'],
  headerless: {
    names: () => UNSW_NAMES,
    accepts: (row) =>
      row.length === 49 && /^[\d.]+$/.test(row[0]!) && /^[\d.]+$/.test(row[2]!) && /^[01]?$/.test(row[48]!),
  },
}

const BOT_IOT_NAMES = (
  'pkSeqID stime flgs proto saddr sport daddr dport pkts bytes state ltime seq dur mean stddev smac dmac sum ' +
  'min max soui doui sco dco spkts dpkts sbytes dbytes rate srate drate attack category subcategory'
).split(' ')

/** Bot-IoT (Koroniotis et al. 2019): the 74 full files without header, the 5 % and the "10 best features" sets. */
export const botIot: Dialect = {
  name: 'Bot-IoT',
  recognise: ['pk_seq_id', 'saddr', 'daddr'],
  columns: {
    stime: 'ts',
    ltime: 'end',
    proto: 'proto',
    saddr: host('orig_h'),
    sport: 'orig_p',
    daddr: host('resp_h'),
    dport: 'resp_p',
    state,
    dur: 'duration',
    pkts: 'total_pkts',
    bytes: 'total_ip_bytes',
    spkts: 'orig_pkts',
    dpkts: 'resp_pkts',
    sbytes: 'orig_ip_bytes',
    dbytes: 'resp_ip_bytes',
    attack: 'label',
    category: 'detailed_label',
  },
  skip: ['pk_seq_id', 'seq', 'smac', 'dmac', 'soui', 'doui', 'sco', 'dco', 'subcategory'],
  // Ports of ARP records are -1.
  unset: ['-1'],
  noFlow: ['man'],
  headerless: {
    names: () => BOT_IOT_NAMES,
    accepts: (row) =>
      row.length === 35 &&
      /^\d+$/.test(row[0]!) &&
      /^1\d{9}(\.\d+)?$/.test(row[1]!) &&
      /^[a-z\d-]+$/.test(row[3]!) &&
      /^[01]$/.test(row[32]!),
  },
}
