/** IANA protocol keywords, lower case, by number (IANA "Assigned Internet Protocol Numbers"), as logs and data sets spell them. */
const KEYWORDS = (
  'hopopt icmp igmp ggp ipnip st2 tcp cbt egp igp bbn-rcc nvp pup argus emcon xnet chaos udp mux dcn hmp prm ' +
  'xns-idp trunk-1 trunk-2 leaf-1 leaf-2 rdp irtp iso-tp4 netblt mfe-nsp merit-inp dccp 3pc idpr xtp ddp ' +
  'idpr-cmtp tp++ il ipv6 sdrp ipv6-route ipv6-frag idrp rsvp gre dsr bna esp ah i-nlsp swipe narp mobile ' +
  'tlsp skip ipv6-icmp ipv6-no ipv6-opts any cftp - sat-expak kryptolan rvd ippc - sat-mon visa ipcv cpnx ' +
  'cphb wsn pvp br-sat-mon sun-nd wb-mon wb-expak iso-ip vmtp secure-vmtp vines ttp nsfnet-igp dgp tcf ' +
  'eigrp ospf sprite-rpc larp mtp ax.25 ipip micp scc-sp etherip encap - gmtp ifmp pnni pim aris scps qnx ' +
  'a/n ipcomp snp compaq-peer ipx-n-ip vrrp pgm - l2tp ddx iatp stp srp uti smp sm ptp isis fire crtp crudp ' +
  'sscopmce iplt sps pipe sctp fc rsvp-e2e-ignore mobility udplite mpls-in-ip manet shim6 wesp rohc ethernet'
).split(' ')

const NUMBERS = new Map<string, number>(KEYWORDS.map((word, number) => [word, number]))
NUMBERS.delete('-')
for (const [word, number] of [
  ['icmp6', 58],
  ['icmpv6', 58],
  ['icmp-v6', 58],
  ['ip', 4],
  ['ipv4', 4],
  ['ospfigp', 89],
  ['sep', 33],
  ['idrp', 45],
  ['mhrp', 48],
  ['pri-enc', 98],
  ['aes-sp3-d', 96],
  ['unas', 255],
  ['zero', 0],
  ['ib', 255],
] as const)
  NUMBERS.set(word, number)

/**
 * IANA number of a protocol word (`tcp`, `UDP`, `ipv6-icmp`) or number in text (`6`, `6.0`);
 * 255 for words that name no IP protocol (`arp`, `unknown_transport`, '') and for averages of several (`9.18`).
 */
export function protocolNumber(text: string): number {
  const word = text.trim().toLowerCase()
  const known = NUMBERS.get(word)
  if (known !== undefined) return known
  if (/^\d+(\.0*)?$/.test(word)) {
    const number = Number(word)
    if (number <= 255) return number
  }
  return 255
}
