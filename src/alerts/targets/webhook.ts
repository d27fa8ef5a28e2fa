import { createHmac } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import { addressOf } from '../address.ts'
import type { Message } from '../message.ts'
import type { Target } from '../rule.ts'
import type { Sending } from './send.ts'

/**
 * The signature of a body sent at `at`: HMAC-SHA256 of `AT.BODY`. A receiver that also looks at the time cannot be
 * sent an old alert again.
 *
 * @param at seconds since the epoch
 */
export function signature(secret: string, at: number, body: string): string {
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`
}

/** Posts an alert as JSON. Redirects are not followed: they would lead where nobody has looked. */
export async function sendWebhook(
  { url, secret = '' }: Extract<Target, { kind: 'webhook' }>,
  message: Message,
  { id, allowLocal, signal, agent }: Sending,
): Promise<void> {
  const { protocol, hostname, port, pathname, search, username, password } = new URL(url)
  const { address, family } = await addressOf(hostname, allowLocal)
  const body = JSON.stringify({ id, ...message })
  const at = Math.floor(Date.now() / 1000)
  const secure = protocol === 'https:'
  const status = await new Promise<number>((resolve, reject) => {
    const request = (secure ? https : http).request(
      {
        method: 'POST',
        host: hostname.replace(/^\[(.*)\]$/, '$1'),
        port: port || (secure ? 443 : 80),
        path: pathname + search,
        // The address that was checked, whatever the name means a moment later.
        lookup: (_, options, found) =>
          options.all ? found(null, [{ address, family }]) : found(null, address, family),
        ...(username ? { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` } : {}),
        agent: false,
        signal,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': agent,
          'motewatch-delivery': id,
          'motewatch-signature': signature(secret, at, body),
        },
      },
      (response) => {
        // What is said beyond the status is of no interest, however long.
        response.destroy()
        resolve(response.statusCode ?? 0)
      },
    )
    request.on('error', reject)
    request.end(body)
  })
  if (status < 200 || status > 299) throw new Error(`${new URL(url).host} answered with status ${status}`)
}
