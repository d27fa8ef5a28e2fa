import type { App } from './app.ts'
import { ASSETS, type AssetName, asset } from './assets.ts'
import { openApi } from './openapi.ts'
import type { RouteTable } from './route-table.ts'

const SWAGGER_UI = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Motewatch API</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/swagger-ui.css"></head><body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
`
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null })
`
const REDOC = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Motewatch API</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1"><style>body { margin: 0 }</style></head>
<body><redoc spec-url="/openapi.json"></redoc><script src="/docs/redoc.standalone.js"></script></body></html>
`

/** Both pages write styles into the document; ReDoc searches in a worker it makes of a blob. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** `/openapi.json` and the pages that show it: Swagger UI at `/docs`, ReDoc at `/redoc`; nothing is loaded from elsewhere. */
export function docsRoutes(app: App, table: RouteTable, version: string): void {
  const quiet = { config: { access: { role: 'public' } }, schema: { hide: true } } as const
  let document: string | undefined
  app.get('/openapi.json', quiet, (_, reply) => {
    document ??= JSON.stringify(openApi(table, version))
    return reply.type('application/json; charset=utf-8').send(document)
  })
  const page = (url: string, type: string, text: string) =>
    app.get(url, quiet, (_, reply) =>
      reply.type(`${type}; charset=utf-8`).header('content-security-policy', POLICY).send(text),
    )
  page('/docs', 'text/html', SWAGGER_UI)
  page('/docs/start.js', 'text/javascript', START)
  page('/redoc', 'text/html', REDOC)
  for (const name of Object.keys(ASSETS) as AssetName[]) {
    const type = name.endsWith('.css') ? 'text/css' : 'text/javascript'
    app.get(`/docs/${name}`, quiet, async (_, reply) =>
      reply
        .type(`${type}; charset=utf-8`)
        .header('cache-control', 'max-age=3600')
        .send(await asset(name)),
    )
  }
}
