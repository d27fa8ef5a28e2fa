import { describe, expect, it } from 'vitest'
import { readBytes } from '../contract.ts'

/** Header and one row as the data sets publish them, and what must become of it. */
const NSL =
  '0,tcp,ftp_data,SF,491,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2,2,0.00,0.00,0.00,0.00,1.00,0.00,0.00,150,25,0.17,0.03,0.17,0.00,0.00,0.00,0.05,0.00,'
const UNSW =
  '59.166.0.0,1390,149.171.126.6,53,udp,CON,0.001055,132,164,31,29,0,0,dns,500473.9375,621800.9375,2,2,0,0,0,0,66,82,0,0,0,0,1421927414,1421927414,0.017,0.013,0,0,0,0,0,0,0,0,3,7,1,3,1,1,1,,0'

const cases: readonly [string, string, Record<string, unknown>][] = [
  [
    'Zeek',
    'ts,uid,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,service,duration,orig_bytes,resp_bytes,conn_state,local_orig,local_resp,missed_bytes,history,orig_pkts,orig_ip_bytes,resp_pkts,resp_ip_bytes,tunnel_parents,label,detailed-label\n1547150797.954878,CVMY,192.168.1.199,59224,46.101.251.172,80,tcp,,,,,S0,,,0,S,1,60,0,0,,Malicious,C&C',
    {
      orig_p: 59_224,
      duration: Number.NaN,
      label: 'malicious',
      detailed_label: 'C&C',
      ts: 1_547_150_797.954878,
    },
  ],
  [
    'CICFlowMeter',
    'Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets,Flow Bytes/s, Flow Packets/s, Flow IAT Mean, Fwd Header Length, Fwd Header Length,Label\n192.168.10.5-104.16.207.165-54865-443-6,104.16.207.165,443,192.168.10.5,54865,6,7/7/2017 3:30,3000003,2,1,12,6,Infinity,666666.6667,3.5,40,40,BENIGN',
    {
      duration: 3.000003,
      orig_pkts: 2,
      resp_bytes: 6,
      label: 'benign',
      'extra.Flow Bytes/s': Number.NaN,
      'extra.Fwd Header Length.1': 40,
      ts: Date.parse('2017-07-07T15:30:00Z') / 1000,
    },
  ],
  [
    'CICFlowMeter',
    'Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,TotLen Fwd Pkts,TotLen Bwd Pkts,Flow Byts/s,Flow Pkts/s,Flow IAT Mean,Label\n22,6,14/02/2018 08:31:01,112641719,3,0,0,0,0,0.0266,56320859.5,SSH-Bruteforce',
    { resp_p: 22, duration: 112.641719, orig_pkts: 3, label: 'malicious', detailed_label: 'SSH-Bruteforce' },
  ],
  [
    'CICFlowMeter',
    'src_ip,dst_ip,src_port,dst_port,protocol,timestamp,flow_duration,flow_byts_s,flow_pkts_s,tot_fwd_pkts,tot_bwd_pkts,totlen_fwd_pkts,totlen_bwd_pkts,flow_iat_mean\n10.0.0.1,10.0.0.2,1000,80,6,2022-01-01 10:00:00,1.25,1,2,3,4,5,6,0.1',
    { duration: 1.25, orig_bytes: 5, resp_pkts: 4 },
  ],
  [
    'CICIoT2023',
    'flow_duration,Header_Length,Protocol Type,Duration,Rate,Srate,Drate,fin_flag_number,syn_flag_number,IAT,Number,Weight,label\n0.5,54,6.0,64,0.33,0.33,0,0,1,83007371.6,9.5,141.55,DDoS-SYN_Flood',
    { duration: 0.5, proto: 6, 'extra.Duration': 64, label: 'malicious', detailed_label: 'DDoS-SYN_Flood' },
  ],
  [
    'UNSW-NB15',
    UNSW,
    {
      orig_h: '59.166.0.0',
      resp_p: 53,
      proto: 17,
      conn_state: 'SF',
      service: 'dns',
      orig_ip_bytes: 132,
      ts: 1_421_927_414,
      label: 'benign',
      'extra.sttl': 31,
    },
  ],
  [
    'UNSW-NB15',
    'id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,rate,sttl,dttl,sload,dload,ct_srv_src,attack_cat,label\n1,0.121478,tcp,-,FIN,6,4,258,172,74.087,252,254,14158.9,8495.4,1,Reconnaissance,1',
    {
      duration: 0.121478,
      service: '',
      conn_state: 'SF',
      label: 'malicious',
      detailed_label: 'Reconnaissance',
    },
  ],
  [
    'TON_IoT',
    'ts,src_ip,src_port,dst_ip,dst_port,proto,service,duration,src_bytes,dst_bytes,conn_state,missed_bytes,src_pkts,src_ip_bytes,dst_pkts,dst_ip_bytes,dns_query,dns_qclass,label,type\n1554198358,3.122.49.24,1883,192.168.1.152,52976,tcp,-,80549.53,1762852,41933215,OTH,0,252181,14911156,2,236,-,0,1,scanning',
    {
      duration: 80_549.53,
      orig_bytes: 1_762_852,
      conn_state: 'OTH',
      label: 'malicious',
      detailed_label: 'scanning',
    },
  ],
  [
    'Bot-IoT',
    'pkSeqID,stime,flgs,proto,saddr,sport,daddr,dport,pkts,bytes,state,ltime,seq,dur,mean,stddev,spkts,dpkts,sbytes,dbytes,rate,attack,category,subcategory\n1,1528089000.5,e,arp,192.168.100.4,-1,192.168.100.7,0x0303,4,240,CON,1528089005.5,1,5,0,0,2,2,120,120,0.6,1,DDoS,UDP',
    { proto: 255, orig_p: 0, resp_p: 771, duration: 5, orig_ip_bytes: 120, detailed_label: 'DDoS' },
  ],
  [
    'Edge-IIoTset',
    'frame.time,ip.src_host,ip.dst_host,arp.opcode,tcp.ack,tcp.dstport,tcp.flags,tcp.len,tcp.srcport,udp.port,mqtt.topic,Attack_label,Attack_type\n 2021 11:44:10.081753000 ,192.168.0.128,192.168.0.101,0.0,0.0,1883.0,2.0,0.0,64855.0,0.0,0,0,Normal',
    { resp_p: 1883, orig_p: 64_855, label: 'benign', detailed_label: '', 'extra.tcp.flags': 2 },
  ],
  [
    'RT-IoT2022',
    'no,id.orig_p,id.resp_p,proto,service,flow_duration,fwd_pkts_tot,bwd_pkts_tot,fwd_pkts_payload.tot,bwd_pkts_payload.tot,flow_FIN_flag_count,Attack_type\n0,38667,1883,tcp,mqtt,32.011598,9,5,76,23,0,MQTT_Publish',
    { resp_p: 1883, service: 'mqtt', duration: 32.011598, orig_bytes: 76, label: 'benign' },
  ],
  [
    'NSL-KDD',
    `${NSL}normal,20`,
    {
      proto: 6,
      service: 'ftp-data',
      conn_state: 'SF',
      orig_bytes: 491,
      label: 'benign',
      'extra.srv_count': 2,
    },
  ],
  ['NSL-KDD', `${NSL}neptune.`, { label: 'malicious', detailed_label: 'neptune' }],
  ['NSL-KDD', NSL.slice(0, -1), { orig_bytes: 491 }],
  [
    'nfstream',
    'id,expiration_id,src_ip,src_mac,src_oui,src_port,dst_ip,dst_mac,dst_oui,dst_port,protocol,ip_version,vlan_id,tunnel_id,bidirectional_first_seen_ms,bidirectional_last_seen_ms,bidirectional_duration_ms,bidirectional_packets,bidirectional_bytes,src2dst_first_seen_ms,src2dst_packets,src2dst_bytes,dst2src_packets,dst2src_bytes,application_name\n0,0,192.168.1.2,AA:bb:cc:dd:ee:01,aa:bb:cc,4000,8.8.8.8,aa:bb:cc:dd:ee:02,aa:bb:cc,53,17,4,0,0,1545403816962,1545403817062,100,2,200,1545403816962,1,80,1,120,DNS.Google',
    {
      ts: 1_545_403_816.962,
      duration: 0.1,
      service: 'dns',
      orig_l2_addr: 'aa:bb:cc:dd:ee:01',
      resp_ip_bytes: 120,
    },
  ],
  [
    'Argus',
    'StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n2011/08/18 09:56:29.146936,3599.5,icmp,1.2.3.4,0x0008,   ->,147.32.84.59,0x0000,ECO,0,0,10,1000,600,flow=From-Botnet-V51-ICMP',
    { orig_p: 8, resp_p: 0, proto: 1, orig_ip_bytes: 600, resp_ip_bytes: 400, label: 'malicious' },
  ],
  [
    'nfdump',
    'ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out\n2021-06-06 15:59:46,2021-06-06 15:59:48,2.250,10.0.0.1,10.0.0.2,4000,443,TCP,...AP.SF,0,0,10,1000,8,900,0,0\nSummary\nflows,bytes,packets\n1,1900,18',
    { duration: 2.25, proto: 6, orig_pkts: 10, resp_ip_bytes: 900 },
  ],
  [
    'nfdump',
    '[{"type":"FLOW","first":"2027-01-01T12:56:57.788","last":"2027-01-01T12:56:58.804","in_packets":4,"in_bytes":334,"proto":6,"src_port":6667,"dst_port":49216,"src4_addr":"1.2.3.4","dst4_addr":"192.168.1.195","label":"<none>"}]',
    {
      ts: 1_798_808_217.788,
      duration: 1.016,
      orig_h: '1.2.3.4',
      orig_pkts: 4,
      orig_ip_bytes: 334,
      label: '',
    },
  ],
  [
    'Bot-IoT',
    '3000001,1528103415.0132,e,tcp,192.168.100.149,1822,192.168.100.3,80,1,60,INT,1528103415.0132,1,0,0,0,,,0,0,0,,,,,1,0,60,0,0,0,0,1,DDoS,TCP',
    { resp_p: 80, proto: 6, orig_pkts: 1, resp_ip_bytes: 0, label: 'malicious', detailed_label: 'DDoS' },
  ],
  [
    'CICIoT2023',
    'Header_Length,Protocol Type,Time_To_Live,Rate,fin_flag_number,syn_flag_number,Tot sum,Label\n20,9.18,64,inf,0,1,5,BENIGN',
    { proto: 255, 'extra.Rate': Number.NaN, label: 'benign' },
  ],
]

describe('known data sets are read without help', () => {
  it.each(cases)('%s: %s', async (dialect, text, expected) => {
    const { report, rows } = await readBytes(Buffer.from(`${text}\n`))
    expect(report.dialect).toBe(dialect)
    expect(report.rejected).toBe(0)
    expect(rows).toHaveLength(1)
    const row = rows[0]!
    for (const [name, value] of Object.entries(expected)) {
      if (typeof value === 'number' && !Number.isNaN(value)) expect(row[name], name).toBeCloseTo(value, 5)
      else expect(row[name], name).toEqual(value)
    }
  })

  it('Argus: ports by name, sums of both directions, no flows of its own records', async () => {
    const { report, rows } = await readBytes(
      Buffer.from(
        'StartTime,Flgs,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,TotPkts,TotBytes,State\n' +
          '19:17:57.264552,          ,man,0,0,,0,0,0,0,STA\n' +
          '14:55:32.353979, e s      ,tcp,192.168.1.195,48986,   ->,185.244.25.235,ircd,3,222,REQ\n' +
          '14:55:33, e,tcp,192.168.1.195,48986,   ->,185.244.25.235,nosuchservice,3,222,REQ\n',
      ),
    )
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ ts: 53_732.353979, resp_p: 6667, orig_pkts: 3, conn_state: 'S0' })
    expect(rows[0]!.resp_pkts).toBeNaN()
    expect([...report.reasons.keys()]).toEqual([
      'Proto is not the protocol of a flow',
      'Dport is not a port from 0 to 65535 or the name of its service',
    ])
    expect(report.notes).toContain(
      'orig_pkts and orig_ip_bytes count both directions: the input has only their sum',
    )
  })

  it('CIC-IDS2017 says that its afternoons were taken as such', async () => {
    const header = 'Timestamp,Flow Duration,Total Fwd Packets,Flow IAT Mean,Label'
    const { report, rows } = await readBytes(
      Buffer.from(`${header}\n7/7/2017 9:00,5,1,2,BENIGN\n7/7/2017 3:30,5,1,2,DDoS\n`),
    )
    expect(rows.map((row) => (Number(row.ts) % 86_400) / 3600)).toEqual([9, 15.5])
    expect(report.notes.join()).toContain('taken as afternoon')
  })

  it('TON_IoT telemetry is readings, the two-valued state among them', async () => {
    const { rows, kinds } = await readBytes(
      Buffer.from(
        'date,time,fridge_temperature,temp_condition,label,type\n' +
          '31-Mar-19, 12:36:52 ,13.1,high,0,normal\n31-Mar-19, 12:36:53 ,8.65,low,1,ddos\n',
      ),
    )
    expect([...kinds]).toEqual(['readings'])
    expect(rows[1]).toMatchObject({
      ts: Date.parse('2019-03-31T12:36:53Z') / 1000,
      'metrics.fridge_temperature': 8.65,
      'metrics.temp_condition': 0,
      label: 'anomaly',
      detailed_label: 'ddos',
    })
  })
})
