import type { Dialect } from '../dialect.ts'
import { serviceWord } from '../words.ts'

const NAMES = (
  'duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot num_failed_logins ' +
  'logged_in num_compromised root_shell su_attempted num_root num_file_creations num_shells num_access_files ' +
  'num_outbound_cmds is_host_login is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate ' +
  'srv_rerror_rate same_srv_rate diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count ' +
  'dst_host_same_srv_rate dst_host_diff_srv_rate dst_host_same_src_port_rate dst_host_srv_diff_host_rate ' +
  'dst_host_serror_rate dst_host_srv_serror_rate dst_host_rerror_rate dst_host_srv_rerror_rate label difficulty'
).split(' ')

/**
 * KDD'99 and NSL-KDD (Tavallaee et al. 2009): 41 features, then the class, then (NSL-KDD) a difficulty,
 * usually without header. Flags are Zeek's connection states, as both come from Bro.
 */
export const nslKdd: Dialect = {
  name: 'NSL-KDD',
  recognise: ['protocol_type', 'flag', 'src_bytes', 'dst_host_srv_count'],
  columns: {
    duration: 'duration',
    protocol_type: 'proto',
    service: { field: 'service', word: serviceWord },
    flag: 'conn_state',
    src_bytes: 'orig_bytes',
    dst_bytes: 'resp_bytes',
    label: 'label',
    class: 'label',
    attack: 'label',
    attack_type: 'label',
    outcome: 'label',
  },
  skip: ['difficulty', 'difficulty_level', 'level', 'class_name', ''],
  headerless: {
    names: (width) => NAMES.slice(0, width),
    accepts: (row) =>
      row.length >= 41 &&
      row.length <= 43 &&
      /^\d+$/.test(row[0]!) &&
      /^(tcp|udp|icmp)$/.test(row[1]!) &&
      /^(SF|S[0-3]|REJ|RST[OR]|RSTOS0|SH|OTH)$/.test(row[3]!),
  },
}
