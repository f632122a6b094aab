import tseslint from 'typescript-eslint'

const statusNumbers = 'Literal[value=/^(20|30|31|32|40|50|60|70)$/]'

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/*.cjs', '**/*.mjs', '*.js', '.turbo/**'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-console': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@c2d/*/src/*', '@c2d/*/dist/*'], message: 'import the package' }] },
      ],
      // Settings are read in one place and parsed there; everything else is handed them.
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'read settings in config.ts' },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      // process.env['NAME'] is what noPropertyAccessFromIndexSignature-style code wants to stay.
      '@typescript-eslint/dot-notation': 'off',
    },
  },
  {
    files: ['**/config.ts', '**/main.ts', 'bench/src/*.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // Status numbers live in the table alone; configuration bounds and HTTP numbers are no statuses.
    files: [
      'apps/operator-engine/src/{decide,apply,observe,reconcile,engine}.ts',
      'apps/operator-service/src/domain/**/*.ts',
    ],
    rules: {
      'no-restricted-syntax': ['error', { selector: statusNumbers, message: 'use JOB_STATUS of @c2d/contracts' }],
    },
  },
  {
    files: ['**/*.test.ts', '**/test/**/*.ts', '**/src/testing/**/*.ts', 'packages/testing/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'no-restricted-syntax': 'off',
      'no-restricted-properties': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    // jest wants a default export of these two.
    files: ['packages/testing/src/global-*.ts'],
    rules: { 'no-restricted-exports': 'off' },
  },
)
