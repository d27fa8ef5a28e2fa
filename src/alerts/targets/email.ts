import { isIP } from 'node:net'
import { addressOf } from '../address.ts'
import { headline, type Message, plainText } from '../message.ts'
import type { Target } from '../rule.ts'
import type { Sending } from './send.ts'

/** Sends an alert as plain text. */
export async function sendEmail(
  { host, port, security, user, password, from, to }: Extract<Target, { kind: 'email' }>,
  message: Message,
  { id, allowLocal, signal, timeout }: Sending,
): Promise<void> {
  const { address } = await addressOf(host, allowLocal)
  // Not before it is needed: it takes 8 MB.
  const { default: nodemailer } = await import('nodemailer')
  const transport = nodemailer.createTransport({
    host: address,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    // The certificate is that of the name, not of the address.
    tls: isIP(host) ? {} : { servername: host },
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  signal.addEventListener('abort', () => transport.close(), { once: true })
  try {
    await transport.sendMail({
      from,
      to: [...to],
      subject: headline(message),
      text: plainText(message),
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Motewatch-Delivery': id },
    })
  } finally {
    transport.close()
  }
}
