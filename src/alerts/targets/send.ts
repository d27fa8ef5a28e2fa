import type { Message } from '../message.ts'
import type { Target } from '../rule.ts'
import { sendEmail } from './email.ts'
import { sendSyslog } from './syslog.ts'
import { sendWebhook } from './webhook.ts'

/** How one message is sent. */
export interface Sending {
  /** Of the delivery; the same when it is tried again, so that a receiver can tell. */
  readonly id: string
  /** Whether this machine may be a target. */
  readonly allowLocal: boolean
  /** How the service calls itself. */
  readonly agent: string
  /** Milliseconds; also aborted through `signal`. */
  readonly timeout: number
  readonly signal: AbortSignal
}

/**
 * Sends a message; returns when the receiver has taken it.
 *
 * @throws Error that says why it was not taken
 */
export async function send(
  target: Target,
  message: Message,
  options: Omit<Sending, 'signal'>,
): Promise<void> {
  const signal = AbortSignal.timeout(options.timeout)
  const sending = { ...options, signal }
  try {
    if (target.kind === 'webhook') await sendWebhook(target, message, sending)
    else if (target.kind === 'email') await sendEmail(target, message, sending)
    else await sendSyslog(target, message, sending)
  } catch (error) {
    if (signal.aborted) throw new Error(`no answer within ${options.timeout / 1000} s`)
    throw error
  }
}
