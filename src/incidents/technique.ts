import type { AnomalyType } from '../schema/anomaly.ts'
import type { Technique } from '../schema/incident.ts'

const technique = (id: string, name: string): Technique => ({ id, name })

/** Ports of industrial protocols: S7, Modbus, IEC 104, OPC UA, DNP3, EtherNet/IP, BACnet. */
const industrial = new Set(['102', '502', '2404', '4840', '20000', '44818', '47808'])
/** Ports where programs usually speak the web, name look-ups, mail, chat or messaging. */
const standard = new Set(
  [
    20, 21, 22, 23, 25, 53, 80, 110, 123, 143, 443, 465, 587, 853, 993, 995, 1883, 5222, 6667, 6697, 8080,
    8443,
  ]
    .concat([8883])
    .map(String),
)

/**
 * The technique of MITRE ATT&CK (Enterprise v16, ICS v16) that a behaviour of this type is.
 *
 * @param port most frequent service port, `23/tcp`; '' where there is none
 */
export function techniqueOf(type: AnomalyType, port: string): Technique | undefined {
  const [number = ''] = port.split('/')
  const ics = industrial.has(number)
  switch (type) {
    case 'port scan':
      return ics
        ? technique('T0846', 'Remote System Discovery')
        : technique('T1046', 'Network Service Discovery')
    case 'flood':
      return ics ? technique('T0814', 'Denial of Service') : technique('T1498', 'Network Denial of Service')
    case 'beaconing':
      return standard.has(number)
        ? technique('T1071', 'Application Layer Protocol')
        : technique('T1571', 'Non-Standard Port')
    case 'exfiltration':
      return number === '53'
        ? technique('T1048.003', 'Exfiltration Over Unencrypted Non-C2 Protocol')
        : technique('T1048', 'Exfiltration Over Alternative Protocol')
    case 'brute force':
      return technique('T1110', 'Brute Force')
    default:
      return undefined
  }
}
