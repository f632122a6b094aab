import { ANNOTATION, GATE_CONTAINER, LABEL, MAIN_CONTAINER } from '../names.ts'

/** When the objects of the tables were made. */
export const CREATED = '2026-01-01T00:00:00Z'
/** When kubelet took their pods. */
export const TAKEN = '2026-01-01T00:00:01Z'

const JOB_ID = 'a'.repeat(32)

/** What a table says of a Job and its pod; the rest is as it usually is. */
export interface ObjectParts {
  pod?: {
    phase?: string
    reason?: string
    message?: string
    deletionTimestamp?: string
    activeDeadlineSeconds?: number
    isUnscheduled?: string
    /** No scheduler has said anything about it. */
    isUnseen?: boolean
  }
  /** State of the step's own container. */
  main?: object
  /** State of the seal gate. */
  gate?: object
  /** Reason of a DisruptionTarget condition. */
  disruption?: string
  /** A condition of the Job. */
  condition?: { type: string; reason?: string }
  suspended?: boolean
  endReason?: string
  endMessage?: string
  annotations?: Record<string, string>
}

/** A Job as the API server sends it. */
export function buildJobObject({ annotations, condition, endMessage, endReason, suspended }: ObjectParts): object {
  return {
    metadata: {
      ...buildMetadata('job'),
      annotations: {
        ...annotations,
        ...(endReason ? { [ANNOTATION.endReason]: endReason } : {}),
        ...(endMessage ? { [ANNOTATION.endMessage]: endMessage } : {}),
      },
    },
    spec: { suspend: suspended ?? false },
    status: { conditions: condition ? [{ status: 'True', ...condition }] : null, startTime: TAKEN },
  }
}

/** A Pod as the API server sends it. */
export function buildPodObject({ disruption, gate, main, pod = {} }: ObjectParts): object {
  const { activeDeadlineSeconds, deletionTimestamp, isUnscheduled, isUnseen, message, phase = 'Pending', reason } = pod
  const hasPlace = !isUnscheduled && !isUnseen
  const scheduled = isUnscheduled
    ? { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: isUnscheduled }
    : { type: 'PodScheduled', status: 'True' }
  return {
    metadata: { ...buildMetadata('pod'), ...(deletionTimestamp ? { deletionTimestamp } : {}) },
    spec: {
      ...(hasPlace ? { nodeName: 'node-1' } : {}),
      ...(activeDeadlineSeconds ? { activeDeadlineSeconds } : {}),
    },
    status: {
      phase,
      reason,
      message,
      ...(hasPlace ? { startTime: TAKEN } : {}),
      conditions: [
        ...(isUnseen ? [] : [{ lastTransitionTime: CREATED, ...scheduled }]),
        ...(disruption ? [{ type: 'DisruptionTarget', status: 'True', reason: disruption }] : []),
      ],
      initContainerStatuses: gate ? [{ name: GATE_CONTAINER, state: gate }] : undefined,
      containerStatuses: main ? [{ name: MAIN_CONTAINER, state: main }] : undefined,
    },
  }
}

function buildMetadata(name: string): object {
  return {
    name,
    namespace: 'jobs',
    uid: `${name}-uid`,
    resourceVersion: '1',
    creationTimestamp: CREATED,
    labels: {
      [LABEL.workflow]: JOB_ID,
      [LABEL.component]: 'algorithm',
      [LABEL.attempt]: '1',
      'job-name': `${JOB_ID}-algorithm-job`,
    },
  }
}
