/** How one large file is coming in. */
export interface Flow {
  /** Connections that fetch it now. */
  lanes: number
  maxLanes: number
  /** What they brought together in the last while, in bytes a second. */
  bytesPerSecond: number
  /** Bytes that nobody fetches yet. */
  unclaimedBytes: number
  /** Whether the origin has shown that it gives parts. */
  isProven: boolean
}

/** Faster than this, one connection is as good as several: what is slow then is not the origin. */
const FAST_LANE_BYTES_PER_SECOND = 250e6
const AIM_BYTES_PER_SECOND = 1e9
/** A connection that would get less than this is not worth its question. */
const LEAST_SHARE_BYTES = 4 * 1024 * 1024

/**
 * How many connections a file should have: as many as make up for an origin that gives each of them little. The second
 * goes ahead alone, to see whether the origin gives parts at all.
 */
export function chooseLanes(flow: Flow): number {
  const rate = flow.bytesPerSecond / flow.lanes
  if (rate >= FAST_LANE_BYTES_PER_SECOND) return flow.lanes
  const helpful = rate === 0 ? flow.maxLanes : Math.ceil(AIM_BYTES_PER_SECOND / rate)
  const worthwhile = flow.lanes + Math.floor(flow.unclaimedBytes / LEAST_SHARE_BYTES)
  const wanted = Math.max(flow.lanes, Math.min(helpful, worthwhile, flow.maxLanes))
  return flow.isProven ? wanted : Math.min(wanted, 2)
}

/**
 * How much a connection fetches by one question: some of a second's worth, so that questions cost little, and no more,
 * since what is hashed in order waits for the slowest part at the front.
 */
export function choosePartBytes(laneBytesPerSecond: number): number {
  const wanted = laneBytesPerSecond * 0.4
  return Math.min(32 * 1024 * 1024, Math.max(LEAST_SHARE_BYTES, Math.ceil(wanted)))
}
