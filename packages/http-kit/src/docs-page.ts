import { createHash } from 'node:crypto'
import type { RequestHandler } from 'express'
import { DOCS_SCRIPT, DOCS_STYLE } from './docs-page-assets.ts'

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(DOCS_SCRIPT)}`,
  `style-src ${hashOf(DOCS_STYLE)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Handler of a page that shows an OpenAPI document to people: operations, parameters, schemas. It needs nothing but
 * itself and the document, and its policy lets it load nothing else.
 * @param specUrl where the document is, on the same origin; relative to the page
 */
export function docsPage(specUrl: string): RequestHandler {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API</title>
<style>${DOCS_STYLE}</style>
</head>
<body>
<main id="docs" data-spec="${escapeHtml(specUrl)}"><p>Reading the description…</p></main>
<noscript><p>This page draws <a href="${escapeHtml(specUrl)}">the OpenAPI document</a> with a script.</p></noscript>
<script>${DOCS_SCRIPT}</script>
</body>
</html>
`
  return (_request, response) => {
    response.setHeader('Content-Security-Policy', POLICY)
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Referrer-Policy', 'no-referrer')
    response.type('html').send(html)
  }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
