/** Units of metric names that devices commonly report, by the last word of the name. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/temp|thermocouple/, '°C'],
  [/humid/, '%'],
  [/pressure|baro/, 'hPa'],
  [/vibration/, 'mm/s'],
  [/accelero/, 'g'],
  [/volt/, 'V'],
  [/current|ampere/, 'A'],
  [/power|watt/, 'W'],
  [/energy/, 'kWh'],
  [/co2/, 'ppm'],
  [/lux|illuminance|light/, 'lx'],
  [/rssi|signal/, 'dBm'],
  [/latency|ping|jitter|rtt/, 'ms'],
  [/throughput|bandwidth/, 'Mbit/s'],
  [/packet_?loss|cpu|battery|utili[sz]ation|soil/, '%'],
  [/flow_?rate/, 'L/min'],
  [/rpm|speed/, 'rpm'],
]

/** The usual unit of a metric, '' when its name does not tell. `network.packetLoss` goes by `packetLoss`. */
export function unitOf(metric: string): string {
  const last = metric
    .slice(metric.lastIndexOf('.') + 1)
    .toLowerCase()
    .replaceAll(' ', '_')
  return UNITS.find(([pattern]) => pattern.test(last))?.[1] ?? ''
}
