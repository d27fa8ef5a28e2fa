import type { App } from './app.ts'

/**
 * Sent with every answer: whatever is shown runs nothing, loads nothing and is shown in no frame. Pages say in their
 * own Content-Security-Policy what they need. No HSTS: whether there is TLS is for the proxy in front to say.
 */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

export function securityHeaders(app: App): void {
  app.addHook('onRequest', (_, reply, done) => {
    reply.headers(HEADERS)
    done()
  })
}
