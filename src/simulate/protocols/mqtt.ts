import { bytes, text, u16 } from './bytes.ts'

const string = (value: string) => {
  const encoded = text(value)
  return bytes(u16(encoded.length), encoded)
}
/** Remaining length, 7 bits a byte (MQTT 3.1.1, section 2.2.3). */
const packet = (type: number, body: Uint8Array) =>
  body.length < 128
    ? bytes(type, body.length, body)
    : bytes(type, (body.length & 127) | 128, body.length >> 7, body)

/** MQTT 3.1.1 CONNECT with a clean session and `keepAlive` seconds. */
export function mqttConnect(clientId: string, keepAlive: number): Uint8Array {
  return packet(0x10, bytes(string('MQTT'), 4, 2, u16(keepAlive), string(clientId)))
}

export const mqttConnack = bytes(0x20, 2, 0, 0)
export const mqttPing = bytes(0xc0, 0)
export const mqttPong = bytes(0xd0, 0)
export const mqttDisconnect = bytes(0xe0, 0)

/** SUBSCRIBE to one topic at QoS 0, and its SUBACK. */
export function mqttSubscribe(topic: string): Uint8Array {
  return packet(0x82, bytes(u16(1), string(topic), 0))
}
export const mqttSuback = bytes(0x90, 3, 0, 1, 0)

/** PUBLISH at QoS 0. */
export function mqttPublish(topic: string, payload: string): Uint8Array {
  return packet(0x30, bytes(string(topic), text(payload)))
}
