import { ZEEK_FIELDS } from '../../zeek/fields.ts'
import type { Dialect } from '../dialect.ts'

/** Zeek's conn.log as CSV or JSON, with or without IoT-23's labels. Field meanings: docs.zeek.org, base/protocols/conn. */
export const zeekTable: Dialect = {
  name: 'Zeek',
  recognise: ['id_orig_h', 'id_resp_h', ['conn_state', 'duration', 'proto']],
  // Columns of a table are known by their words alone.
  columns: Object.fromEntries(
    Object.entries(ZEEK_FIELDS).map(([name, field]) => [name.replaceAll(/[.-]/g, '_'), field]),
  ),
  skip: ['local_orig', 'local_resp', 'tunnel_parents', 'vlan', 'inner_vlan'],
}
