/** The front door: what is here. */
import type { Route } from './route.ts'

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Telltale</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: .25rem; }
dt { margin-top: 1rem; font-family: ui-monospace, monospace; }
dd { margin: 0; opacity: .8; }
a { color: inherit; }
</style>
</head>
<body>
<h1>Telltale</h1>
<p>Behavioral monitoring of AI agents. Telemetry comes in by OTLP; this is where to read what it showed.</p>
<dl>
<dt><a href="/api/v1/alerts">/api/v1/alerts</a></dt><dd>what somebody should look at</dd>
<dt><a href="/api/v1/agents">/api/v1/agents</a></dt><dd>every agent seen, and the policy that governs it</dd>
<dt><a href="/api/v1/events">/api/v1/events</a></dt><dd>what agents did</dd>
<dt><a href="/api/v1/findings">/api/v1/findings</a></dt><dd>what detectors think of it</dd>
<dt><a href="/api/v1/dead-letters">/api/v1/dead-letters</a></dt><dd>what was given up, and why</dd>
<dt><a href="/api/v1/health">/api/v1/health</a></dt><dd>whether Telltale works, and if not, why</dd>
<dt><a href="/metrics">/metrics</a></dt><dd>the same for Prometheus</dd>
<dt><a href="/api/v1/openapi.json">/api/v1/openapi.json</a></dt><dd>all of it, described</dd>
</dl>
</body>
</html>
`

export const frontRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    summary: 'What is here',
    need: 'public',
    responses: { 200: { description: 'A page.' } },
    handle: async () => ({ status: 200, body: PAGE, contentType: 'text/html; charset=utf-8' }),
  },
]
