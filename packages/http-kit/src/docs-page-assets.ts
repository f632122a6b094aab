/** Style of the page of `docsPage`. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
summary { cursor: pointer; padding: .5rem .75rem; }
details > div { padding: 0 .75rem .75rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: 6px; overflow: auto; padding: .75rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top; }
.method { display: inline-block; font-weight: 700; min-width: 4.5rem; text-transform: uppercase; }
.text { white-space: pre-line; }
.gone { text-decoration: line-through; }
`

/** Script of the page of `docsPage`. It writes text only as text, whatever the document says. */
export const DOCS_SCRIPT = `
'use strict'
const main = document.getElementById('docs')

function make(tag, className, ...children) {
  const element = document.createElement(tag)
  if (className) element.className = className
  for (const child of children) if (child !== undefined && child !== null && child !== '') element.append(child)
  return element
}

function nameOf(schema) {
  if (!schema) return ''
  if (schema.$ref) return schema.$ref.split('/').pop()
  if (schema.type === 'array') return nameOf(schema.items) + '[]'
  const choices = schema.anyOf || schema.oneOf
  if (choices) return choices.map(nameOf).join(' | ')
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  return [].concat(schema.type || 'any').join(' | ') + (schema.format ? ' (' + schema.format + ')' : '')
}

function table(head, rows) {
  const cells = (tag, values) => make('tr', '', ...values.map((value) => make(tag, '', value)))
  return make('table', '', cells('th', head), ...rows.map((row) => cells('td', row)))
}

function showSchema(schema) {
  if (!schema) return ''
  const properties = Object.entries(schema.properties || {})
  if (properties.length === 0) {
    const named = schema.$ref || (schema.type === 'array' && schema.items && schema.items.$ref)
    return named ? make('p', '', make('code', '', nameOf(schema))) : make('pre', '', JSON.stringify(schema, null, 2))
  }
  const required = schema.required || []
  return table(['field', 'type', '', ''], properties.map(([name, field]) =>
    [make('code', '', name), make('code', '', nameOf(field)), required.includes(name) ? 'required' : '', field.description]))
}

function showBody(title, body) {
  const parts = Object.entries(body.content || {}).flatMap(([type, media]) =>
    [make('p', '', make('code', '', type)), showSchema(media.schema)])
  return make('section', '', make('h4', '', title), body.description && make('p', 'text', body.description), ...parts)
}

function showOperation(path, method, operation) {
  const parameters = operation.parameters || []
  const body = make('div', '', operation.description && make('p', 'text', operation.description))
  if (parameters.length > 0) {
    body.append(make('h4', '', 'Parameters'), table(['name', 'in', 'type', '', ''], parameters.map((parameter) => [
      make('code', '', parameter.name), parameter.in, make('code', '', nameOf(parameter.schema)),
      parameter.required ? 'required' : '', parameter.description])))
  }
  if (operation.requestBody) body.append(showBody('Body', operation.requestBody))
  for (const [status, response] of Object.entries(operation.responses || {})) {
    body.append(showBody('Answer ' + status, response))
  }
  const heading = make('summary', '', make('span', 'method', method), make('code', operation.deprecated ? 'gone' : '', path),
    ' ', operation.summary)
  return make('details', '', heading, body)
}

function show(spec) {
  document.title = spec.info.title
  const groups = new Map()
  for (const [path, methods] of Object.entries(spec.paths || {})) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = (operation.tags || ['Operations'])[0]
      groups.set(tag, [...(groups.get(tag) || []), showOperation(path, method, operation)])
    }
  }
  const schemas = Object.entries((spec.components && spec.components.schemas) || {})
  main.replaceChildren(
    make('h1', '', spec.info.title + ' ' + spec.info.version),
    make('p', 'text', spec.info.description),
    ...[...groups].flatMap(([tag, operations]) => [make('h2', '', tag), ...operations]),
    ...(schemas.length > 0 ? [make('h2', '', 'Schemas')] : []),
    ...schemas.map(([name, schema]) => make('details', '', make('summary', '', make('code', '', name)),
      make('div', '', schema.description && make('p', 'text', schema.description), showSchema(schema)))))
}

fetch(main.dataset.spec)
  .then((response) => {
    if (!response.ok) throw new Error('it answers ' + response.status)
    return response.json()
  })
  .then(show)
  .catch((error) => main.replaceChildren(make('p', '', 'The description cannot be read: ' + error.message)))
`
