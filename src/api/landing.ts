import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { App } from './app.ts'

/** The page at `/`: is all well, the last anomalies as they come, where the documentation is. */
export function landingPage(app: App): void {
  const page = readFileSync(join(import.meta.dirname, 'landing.html'), 'utf8')
  // Only what the page came with is run: whatever text gets into it from outside stays text.
  const hash = (tag: string) => {
    const content = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page)![1]!
    return `'sha256-${createHash('sha256').update(content).digest('base64')}'`
  }
  const policy = [
    "default-src 'none'",
    `script-src ${hash('script')}`,
    `style-src ${hash('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  app.get('/', { config: { access: { role: 'public' } }, schema: { hide: true } }, (_, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .headers({ 'content-security-policy': policy, 'cache-control': 'no-cache' })
      .send(page),
  )
}
