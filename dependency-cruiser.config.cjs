// The floors of DESIGN §3 as rules: imports point down, adapters do not know each other, apps are islands.
const packages = (names) => `^packages/(${names})/src`
const ADAPTERS = 'http-kit|postgres|operator-db|chain|storage'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'contracts-know-zod-only',
      severity: 'error',
      from: { path: packages('contracts'), pathNot: '\\.test\\.ts$' },
      to: { pathNot: ['^packages/contracts/', 'node_modules/zod/'], dependencyTypesNot: ['core'] },
    },
    {
      name: 'runtime-stands-on-contracts',
      severity: 'error',
      from: { path: packages('runtime') },
      to: { path: '^(packages|apps)/', pathNot: '^packages/(runtime|contracts)/' },
    },
    {
      name: 'adapters-do-not-know-each-other',
      comment: 'operator-db stands on postgres: the connection, not the schema, is shared (docs/adr/0003)',
      severity: 'error',
      from: { path: `^packages/(${ADAPTERS})/src` },
      to: { path: `^packages/(${ADAPTERS}|testing|dev-servers)/`, pathNot: ['^packages/$1/', '^packages/postgres/'] },
    },
    {
      name: 'postgres-stands-alone',
      severity: 'error',
      from: { path: packages('postgres') },
      to: { path: `^packages/(operator-db|chain|storage|http-kit|testing|dev-servers)/` },
    },
    { name: 'packages-know-no-app', severity: 'error', from: { path: '^packages/' }, to: { path: '^apps/' } },
    {
      name: 'apps-are-islands',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'domain-names-adapters-as-types-only',
      severity: 'error',
      from: { path: '^apps/[^/]+/src/domain/', pathNot: '\\.test\\.ts$' },
      to: { path: '^apps/[^/]+/src/(http|clients|db)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { pathNot: ['\\.test\\.ts$', '/test/', '^packages/testing/', '/src/testing/', '^bench/'] },
      to: { path: '^packages/testing/|/src/testing/' },
    },
    {
      name: 'dev-servers-are-for-development',
      severity: 'error',
      from: {
        path: '^(apps|packages)/',
        pathNot: ['^apps/local-stack/', '^packages/(testing|dev-servers)/', '/test/'],
      },
      to: { path: '^packages/dev-servers/' },
    },
    one('ethers-stays-in-chain', 'ethers', [
      '^packages/(chain|dev-servers|testing)/',
      '^apps/local-stack/',
      '\\.test\\.ts$',
      '/test/',
      '^bench/',
    ]),
    one('knex-stays-in-postgres', 'knex', ['^packages/(postgres|operator-db)/', '^apps/provider/src/db/']),
    one('undici-stays-in-http-kit', 'undici', ['^packages/http-kit/', '/test/']),
    {
      name: 'declared-dependencies-only',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['source', 'import', 'node', 'default'] },
    combinedDependencies: true,
  },
}

function one(name, library, allowed) {
  return {
    name,
    severity: 'error',
    from: { path: '^(apps|packages|bench)/', pathNot: allowed },
    to: { path: `node_modules/${library}/` },
  }
}
