import { openDoor as openDoorAt, type Door } from '@c2d/testing'

export type { Door }

/** The address of the test cluster's node, at which its pods reach this machine. */
export const NODE_ADDRESS = process.env['C2D_TEST_NODE_ADDRESS'] ?? '10.123.0.1'

/** Opens a door to a port of this machine's loopback, for pods. */
export function openDoor(targetPort: number): Promise<Door> {
  return openDoorAt(NODE_ADDRESS, targetPort)
}
