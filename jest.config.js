// Native ESM, TypeScript by swc, and the `source` export condition: tests read every workspace's src, never a stale dist.
const base = {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
}

export default {
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/{apps,packages}/*/src/**/*.test.ts'] },
    {
      ...base,
      displayName: 'integration',
      testMatch: ['<rootDir>/{apps,packages}/*/test/integration/**/*.test.ts'],
      globalSetup: '<rootDir>/packages/testing/src/global-setup.ts',
      globalTeardown: '<rootDir>/packages/testing/src/global-teardown.ts',
    },
    // On the cluster that C2D_TEST_KUBECONFIG names; without it nothing is found here, and npm test says so.
    {
      ...base,
      displayName: 'kubernetes',
      testMatch: process.env.C2D_TEST_KUBECONFIG
        ? ['<rootDir>/{apps,packages}/*/test/kubernetes/**/*.test.ts']
        : ['<rootDir>/none'],
      globalSetup: '<rootDir>/packages/testing/src/global-setup.ts',
      globalTeardown: '<rootDir>/packages/testing/src/global-teardown.ts',
    },
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/{apps,packages}/*/test/e2e/**/*.test.ts'] },
  ],
  testTimeout: 60_000,
}
