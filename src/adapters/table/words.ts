/** Words of other tools in Zeek's terms. */

const SERVICES: Readonly<Record<string, string>> = {
  domain: 'dns',
  domain_u: 'dns',
  https: 'ssl',
  tls: 'ssl',
  'ssl/tls': 'ssl',
  ftp_data: 'ftp-data',
  unknown: '',
  failed: '',
  none: '',
}

/** Zeek's service for a source's: lower case; nDPI's `TLS.Google` is `ssl`. */
export function serviceWord(text: string): string {
  const word = text.trim().toLowerCase().split('.')[0]!
  return SERVICES[word] ?? word
}

const ARGUS_STATES: Readonly<Record<string, string>> = {
  CON: 'SF',
  FIN: 'SF',
  CLO: 'SF',
  ACC: 'S1',
  INT: 'S0',
  REQ: 'S0',
  RST: 'RSTO',
}

/**
 * Zeek's conn_state for a state of Argus (ra(1), "state"): a word, or the TCP flags each side sent,
 * `FSPA_FSPA`. An answer of RST alone is a refusal; what has no counterpart is OTH.
 */
export function argusState(text: string): string {
  const state = text.trim()
  if (state === '') return ''
  const flags = /^([A-Z]*)_([A-Z]*)$/.exec(state)
  if (!flags) return ARGUS_STATES[state.toUpperCase()] ?? 'OTH'
  const [, orig, resp] = flags as unknown as [string, string, string]
  if (!orig.includes('S')) return 'OTH'
  if (resp === '') return orig.includes('F') ? 'SH' : orig.includes('R') ? 'RSTOS0' : 'S0'
  if (!resp.includes('S')) return resp.includes('R') ? 'REJ' : 'OTH'
  if (orig.includes('R')) return 'RSTO'
  if (resp.includes('R')) return 'RSTR'
  if (orig.includes('F') && resp.includes('F')) return 'SF'
  return orig.includes('F') ? 'S2' : resp.includes('F') ? 'S3' : 'S1'
}

/** Zeek's conn_state for a flow state of Suricata. */
export function suricataState(text: string): string {
  return { new: 'S0', established: 'S1', closed: 'SF' }[text.trim().toLowerCase()] ?? 'OTH'
}
