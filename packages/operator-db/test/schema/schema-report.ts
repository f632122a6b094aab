import type { Database } from '@c2d/postgres'

const OURS = `nspname = 'public' AND relname NOT LIKE 'schema\\_migrations%'`

const COLUMNS = `
  SELECT relname AS name, '  ' || quote_ident(attname) || ' ' || format_type(atttypid, atttypmod)
    || CASE WHEN attidentity = 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END
    || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
    || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '') AS line
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE ${OURS} AND relkind = 'r' ORDER BY relname COLLATE "C", attnum`

const CONSTRAINTS = `
  SELECT relname AS name, '  CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(pg_constraint.oid) AS line
  FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE ${OURS} AND contype <> 'n' ORDER BY relname COLLATE "C", conname COLLATE "C"`

const INDEXES = `
  SELECT tablename AS name, indexdef || ';' AS line FROM pg_indexes
  WHERE schemaname = 'public' AND tablename NOT LIKE 'schema\\_migrations%'
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = (quote_ident(indexname))::regclass)
  ORDER BY tablename COLLATE "C", indexname COLLATE "C"`

const COMMENTS = `
  SELECT relname AS name, 'COMMENT ON '
    || CASE WHEN objsubid = 0 THEN CASE relkind WHEN 'v' THEN 'VIEW ' ELSE 'TABLE ' END || relname
       ELSE 'COLUMN ' || relname || '.' || attname END
    || ' IS ' || quote_literal(description) || ';' AS line
  FROM pg_description JOIN pg_class ON pg_class.oid = objoid AND classoid = 'pg_class'::regclass
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
  LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid
  WHERE ${OURS} ORDER BY relname COLLATE "C", objsubid`

const VIEWS = `
  SELECT viewname AS name, 'CREATE VIEW ' || viewname || ' AS' || chr(10) || definition AS line
  FROM pg_views WHERE schemaname = 'public' ORDER BY viewname COLLATE "C"`

const FUNCTIONS = `
  SELECT proname AS name, rtrim(pg_get_functiondef(pg_proc.oid), chr(10)) || ';' AS line
  FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
  WHERE nspname = 'public' ORDER BY proname COLLATE "C"`

const TABLE_GRANTS = `
  SELECT relname AS name, 'GRANT ' || string_agg(privilege_type, ', ' ORDER BY privilege_type) || ' ON ' || relname
    || ' TO ' || pg_get_userbyid(grantee) || ';' AS line
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace CROSS JOIN aclexplode(relacl)
  WHERE nspname = 'public' AND grantee <> relowner GROUP BY relname, grantee
  ORDER BY relname COLLATE "C", pg_get_userbyid(grantee) COLLATE "C"`

const COLUMN_GRANTS = `
  SELECT relname AS name, 'GRANT ' || privilege_type || ' (' || string_agg(attname, ', ' ORDER BY attnum) || ') ON '
    || relname || ' TO ' || pg_get_userbyid(grantee) || ';' AS line
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  JOIN pg_attribute ON attrelid = pg_class.oid CROSS JOIN aclexplode(attacl)
  WHERE ${OURS} GROUP BY relname, grantee, privilege_type
  ORDER BY relname COLLATE "C", pg_get_userbyid(grantee) COLLATE "C", privilege_type`

const FUNCTION_GRANTS = `
  SELECT proname AS name, 'GRANT EXECUTE ON FUNCTION ' || pg_proc.oid::regprocedure || ' TO '
    || CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END || ';' AS line
  FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
  CROSS JOIN aclexplode(coalesce(proacl, acldefault('f', proowner)))
  WHERE nspname = 'public' AND grantee <> proowner
  ORDER BY proname COLLATE "C", 2`

/** What a database's schema `public` holds, as SQL that reads well in a review; the same database, the same text. */
export async function buildSchemaReport(db: Database): Promise<string> {
  const [columns, constraints] = [await byName(db, COLUMNS), await byName(db, CONSTRAINTS)]
  const tables = [...columns].map(
    ([name, lines]) => `CREATE TABLE ${name} (\n${[...lines, ...(constraints.get(name) ?? [])].join(',\n')}\n);`,
  )
  const sections: [string, string[]][] = [
    ['Tables', tables],
    ['Indexes', await lines(db, INDEXES)],
    ['Views', await lines(db, VIEWS)],
    ['Functions', await lines(db, FUNCTIONS)],
    ['Comments', await lines(db, COMMENTS)],
    [
      'Grants',
      [...(await lines(db, TABLE_GRANTS)), ...(await lines(db, COLUMN_GRANTS)), ...(await lines(db, FUNCTION_GRANTS))],
    ],
  ]
  const head =
    '-- What the migrations make. Written by `npm run schema -w @c2d/operator-db`; not to be run or edited.\n'
  return `${head}${sections.map(([title, parts]) => `\n-- ${title}\n\n${join(title, parts)}\n`).join('')}`
}

function join(title: string, parts: string[]): string {
  return parts.join(['Tables', 'Views', 'Functions'].includes(title) ? '\n\n' : '\n')
}

async function lines(db: Database, query: string): Promise<string[]> {
  return [...(await byName(db, query)).values()].flat()
}

async function byName(db: Database, query: string): Promise<Map<string, string[]>> {
  // The text holds question marks of operators and none of bindings.
  const { rows } = await db.raw<{ rows: { name: string; line: string }[] }>(query.replaceAll('?', '\\?'))
  const found = new Map<string, string[]>()
  for (const { name, line } of rows) found.set(name, [...(found.get(name) ?? []), line])
  return found
}
