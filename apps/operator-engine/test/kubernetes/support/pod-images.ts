/** Images of our pods in the test cluster's registry; from this build, or named by the environment. */
export const POD_IMAGE = {
  configuration: process.env['C2D_TEST_POD_CONFIGURATION'] ?? 'localhost:5000/k8s/pod-configuration:dev',
  publishing: process.env['C2D_TEST_POD_PUBLISHING'] ?? 'localhost:5000/k8s/pod-publishing:dev',
}
