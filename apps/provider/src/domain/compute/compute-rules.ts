import type { ErrorCode } from '@c2d/contracts'

/** How one rule of a compute start reads. */
interface RuleText {
  /** Which part of the request it is about, below its section: `.serviceId`, or nothing for the whole. */
  readonly member: string
  /** The sentence while it holds. */
  readonly holds: string
  /** The sentence where it does not. */
  readonly fails: string
  /** What makes it hold. */
  readonly change: string
  /** The error a start answers with; `ComputeRefused` where none is named. */
  readonly error?: ErrorCode
}

/**
 * THE rules of a compute start, by their stable ids (provider-http-api §8.3 with DESIGN §4.2–4.4). Their order within a
 * section is that of the lists below.
 */
export const COMPUTE_RULES = {
  'additional-datasets-form': {
    member: '',
    holds: 'The additional datasets can be read.',
    fails: 'The additional datasets are not a list of datasets.',
    change: 'Send additionalDatasets as an array of {documentId, serviceId, transferTxId}.',
  },
  'algorithm-named': {
    member: '',
    holds: 'An algorithm is named, or its code is sent along.',
    fails: 'Neither a published algorithm nor code is named.',
    change: 'Send algorithm.documentId, or algorithm.meta with the code.',
  },
  'algorithm-published': {
    member: '',
    holds: 'The algorithm is published on a chain of this provider.',
    fails: 'No such algorithm is published on a chain of this provider.',
    change: 'Check algorithm.documentId, and that its chain is one of those that GET / lists.',
  },
  'algorithm-type': {
    member: '',
    holds: 'The asset is an algorithm.',
    fails: 'The asset named as the algorithm is none.',
    change: 'Name an asset whose metadata.type is "algorithm".',
  },
  'algorithm-service-named': {
    member: '.serviceId',
    holds: 'A service of the algorithm is named.',
    fails: 'No service of the algorithm is named.',
    change: 'Send algorithm.serviceId.',
  },
  'algorithm-service-exists': {
    member: '',
    holds: 'The algorithm has this service.',
    fails: 'The algorithm has no such service.',
    change: 'Send the id of one of the services in the algorithm’s document.',
  },
  'algorithm-consumable': {
    member: '.credentials',
    holds: 'The algorithm is active and open to this consumer.',
    fails: 'The algorithm is withdrawn, or not open to this consumer.',
    change: 'Ask its publisher for access, or use another algorithm.',
  },
  'algorithm-parameters': {
    member: '.userdata',
    holds: 'The algorithm’s service gets the parameters it asks for.',
    fails: 'A parameter of the algorithm’s service does not fit.',
    change: 'Send algorithm.userdata as its service’s consumerParameters ask for it.',
  },
  'algorithm-custom-parameters': {
    member: '.algocustomdata',
    holds: 'The algorithm gets the parameters it asks for.',
    fails: 'A parameter of the algorithm does not fit.',
    change: 'Send algorithm.algocustomdata as the algorithm’s consumerParameters ask for it.',
  },
  'algorithm-files': {
    member: '',
    holds: 'The files of the algorithm can be had and are small enough to be checked.',
    fails: 'A file of the algorithm cannot be had, or is too large to be checked.',
    change: 'Ask the publisher of the algorithm to check its files; POST /api/services/fileinfo shows their state.',
  },
  'dataset-named': {
    member: '.documentId',
    holds: 'The dataset is named.',
    fails: 'The dataset is not named.',
    change: 'Send its documentId.',
  },
  'dataset-order-named': {
    member: '.transferTxId',
    holds: 'An order of the dataset is named.',
    fails: 'No order of the dataset is named.',
    change: 'Order it with the quote of initializeCompute, and send the transaction as transferTxId.',
  },
  'dataset-service-named': {
    member: '.serviceId',
    holds: 'A service of the dataset is named.',
    fails: 'No service of the dataset is named.',
    change: 'Send its serviceId.',
  },
  'dataset-published': {
    member: '.documentId',
    holds: 'The dataset is published on a chain of this provider.',
    fails: 'No such dataset is published on a chain of this provider.',
    change: 'Check its documentId, and that its chain is one of those that GET / lists.',
  },
  'dataset-type': {
    member: '',
    holds: 'The asset may be an input.',
    fails: 'The asset is an algorithm, and an algorithm is never an input.',
    change: 'Name a dataset.',
  },
  'dataset-service-exists': {
    member: '.serviceId',
    holds: 'The dataset has this service.',
    fails: 'The dataset has no such service.',
    change: 'Send the id of one of the services in the dataset’s document.',
  },
  'dataset-consumable': {
    member: '',
    holds: 'The dataset is active and open to this consumer.',
    fails: 'The dataset is withdrawn, or not open to this consumer.',
    change: 'Ask its publisher for access, or use another dataset.',
  },
  'dataset-service-type': {
    member: '.serviceId',
    holds: 'The service may be used in a job.',
    fails: 'The service is neither of type compute nor of type access.',
    change: 'Use a service of type compute or access.',
  },
  'dataset-main-compute': {
    member: '.serviceId',
    holds: 'The main dataset is used by a compute service.',
    fails: 'The main dataset is named with a service that is no compute service.',
    change: 'Name a compute service, or move this dataset to additionalDatasets.',
  },
  'dataset-provider': {
    member: '.serviceId',
    holds: 'The provider of the dataset can hand out its files.',
    fails: 'The files of this service are not in the hands of this provider.',
    change: 'Start the job at the provider that its serviceEndpoint names.',
  },
  'dataset-files': {
    member: '.serviceId',
    holds: 'Whoever serves the dataset says how many files it has.',
    fails: 'The provider of the dataset does not say which files it has.',
    change: 'Try again later, or use a dataset of this provider.',
  },
  'dataset-parameters': {
    member: '.userdata',
    holds: 'The dataset gets the parameters it asks for.',
    fails: 'A parameter of the dataset does not fit.',
    change: 'Send its userdata as its service’s consumerParameters ask for it.',
  },
  'algorithm-trusted': {
    member: '',
    holds: 'The dataset lets this algorithm run on it.',
    fails: 'The dataset does not let this algorithm run on it.',
    change: 'Use an algorithm that the dataset trusts, or ask its publisher to trust this one.',
  },
  'algorithm-bytes-trusted': {
    member: '',
    holds: 'The algorithm is, byte by byte, the one the dataset trusts.',
    fails: 'The algorithm is not, byte by byte, the one the dataset trusts.',
    change: 'Ask the publisher of the dataset to trust the present version of the algorithm.',
  },
  'dataset-order': {
    member: '.serviceId',
    holds: 'The order pays for this dataset, here, now.',
    fails: 'The order does not pay for this dataset, here, now.',
    change: 'Order the dataset with a fresh quote of initializeCompute.',
  },
  'algorithm-provider': {
    member: '',
    holds: 'The provider of the algorithm can hand out its files to this job.',
    fails: 'A private algorithm runs only where all datasets are at its own provider.',
    change: 'Start the job at the provider that the algorithm’s serviceEndpoint names.',
  },
  'algorithm-order': {
    member: '',
    holds: 'The order pays for the algorithm, here, now.',
    fails: 'The order does not pay for the algorithm, here, now.',
    change: 'Order the algorithm with a fresh quote of initializeCompute.',
  },
  'algorithm-code': {
    member: '',
    holds: 'Code, or an address of code, is sent along.',
    fails: 'Neither code nor an address of code is sent along.',
    change: 'Send algorithm.meta.rawcode or algorithm.meta.url.',
  },
  'algorithm-container': {
    member: '.container',
    holds: 'The container is named and pinned by its checksum.',
    fails: 'The container is not named, or not pinned.',
    change: 'Name entrypoint, image and a checksum that starts with "sha256:".',
  },
  'environment-known': {
    member: '',
    holds: 'The environment is there.',
    fails: 'There is no such environment.',
    change: 'Use one that GET /api/services/computeEnvironments lists for this chain.',
    error: 'EnvironmentNotFound',
  },
  'fees-paid': {
    member: '',
    holds: 'One of the orders pays for the time in the environment.',
    fails: 'None of the orders pays for the time in the environment.',
    change: 'Order, or reuse an order, with the fee that initializeCompute quotes.',
  },
  'output-form': {
    member: '',
    holds: 'The wishes for the output can be read.',
    fails: 'The output is a text that is no JSON.',
    change: 'Send output as an object, or leave it out.',
  },
  'output-storage': {
    member: '',
    holds: 'The output goes where it can go.',
    fails: 'The consumer’s own storage cannot be used.',
    change: 'Name another storage, or none: then the operator’s keeps the output.',
  },
  'output-asset': {
    member: '',
    holds: 'The results become the asset that is asked for, if any.',
    fails: 'The results cannot become an asset.',
    change: 'Leave publishOutput and publishAlgorithmLog out: the results can be downloaded all the same.',
  },
} as const satisfies Record<string, RuleText>

/** The stable name of a rule. */
export type RuleId = keyof typeof COMPUTE_RULES

/** How a rule reads. */
export function ruleText(rule: RuleId): RuleText {
  return COMPUTE_RULES[rule]
}

/** Rows 2a–2f of provider-http-api §8.3, for a published algorithm. */
export const PUBLISHED_ALGORITHM_RULES = [
  'algorithm-published',
  'algorithm-type',
  'algorithm-service-named',
  'algorithm-service-exists',
  'algorithm-files',
  'algorithm-consumable',
  'algorithm-parameters',
  'algorithm-custom-parameters',
] as const satisfies RuleId[]

/** The same for code that is sent along. */
export const RAW_ALGORITHM_RULES = ['algorithm-named'] as const satisfies RuleId[]

/** Rows 3a–3l, for every dataset. */
export const DATASET_RULES = [
  'dataset-named',
  'dataset-order-named',
  'dataset-service-named',
  'dataset-published',
  'dataset-type',
  'dataset-service-exists',
  'dataset-consumable',
  'dataset-service-type',
  'dataset-main-compute',
  'dataset-provider',
  'dataset-files',
  'dataset-parameters',
  'algorithm-trusted',
  'algorithm-bytes-trusted',
  'dataset-order',
] as const satisfies RuleId[]

/** Rows 4a–4d, for a published algorithm. */
export const PUBLISHED_RUN_RULES = [
  'algorithm-provider',
  'algorithm-order',
  'algorithm-container',
] as const satisfies RuleId[]

/** The same for code that is sent along. */
export const RAW_RUN_RULES = ['algorithm-code', 'algorithm-container'] as const satisfies RuleId[]

/** Row 6, and where the output goes. */
export const OUTPUT_RULES = ['output-form', 'output-storage', 'output-asset'] as const satisfies RuleId[]

/** Rules about orders: what is asked only at a start, and before it only of those who signed. */
export const ORDER_RULES: readonly RuleId[] = ['dataset-order-named', 'dataset-order', 'algorithm-order', 'fees-paid']
