import { Interface } from 'ethers'

const PROVIDER_FEE_TUPLE =
  '(address providerFeeAddress, address providerFeeToken, uint256 providerFeeAmount, uint8 v, bytes32 r, bytes32 s, uint256 validUntil, bytes providerData)'

const NFT_TUPLE =
  '(string name, string symbol, uint256 templateIndex, string tokenURI, bool transferable, address owner)'
const DATATOKEN_TUPLE =
  '(uint256 templateIndex, string[] strings, address[] addresses, uint256[] uints, bytes[] bytess)'

/** What we read of a datatoken, and what its customers send to it (local-chain-and-contracts §4.1). */
export const DATATOKEN_ABI = [
  'event OrderStarted(address indexed consumer, address payer, uint256 amount, uint256 serviceIndex, uint256 timestamp, address indexed publishMarketAddress, uint256 blockNumber)',
  'event OrderReused(bytes32 orderTxId, address caller, uint256 timestamp, uint256 number)',
  'event OrderExecuted(address indexed providerAddress, address indexed consumerAddress, bytes32 orderTxId, bytes providerData, bytes providerSignature, bytes consumerData, bytes consumerSignature, uint256 timestamp, uint256 blockNumber)',
  'event ProviderFee(address indexed providerFeeAddress, address indexed providerFeeToken, uint256 providerFeeAmount, bytes providerData, uint8 v, bytes32 r, bytes32 s, uint256 validUntil)',
  `function startOrder(address consumer, uint256 serviceIndex, ${PROVIDER_FEE_TUPLE} providerFee, (address consumeMarketFeeAddress, address consumeMarketFeeToken, uint256 consumeMarketFeeAmount) consumeMarketFee)`,
  `function reuseOrder(bytes32 orderTxId, ${PROVIDER_FEE_TUPLE} providerFee)`,
  'function decimals() view returns (uint8)',
  'function orderExecuted(bytes32 orderTxId, bytes providerData, bytes providerSignature, bytes consumerData, bytes consumerSignature, address consumerAddress)',
  'event OrderExecuted(address indexed providerAddress, address indexed consumerAddress, bytes32 orderTxId, bytes providerData, bytes providerSignature, bytes consumerData, bytes consumerSignature, uint256 timestamp, uint256 blockNumber)',
] as const

/** What we read of a data NFT (local-chain-and-contracts §4.2). */
export const DATA_NFT_ABI = [
  'event MetadataCreated(address indexed createdBy, uint8 state, string decryptorUrl, bytes flags, bytes data, bytes32 metaDataHash, uint256 timestamp, uint256 blockNumber)',
  'event MetadataUpdated(address indexed updatedBy, uint8 state, string decryptorUrl, bytes flags, bytes data, bytes32 metaDataHash, uint256 timestamp, uint256 blockNumber)',
  'event MetadataState(address indexed updatedBy, uint8 state, uint256 timestamp, uint256 blockNumber)',
  'function setMetaData(uint8 _metaDataState, string _metaDataDecryptorUrl, string _metaDataDecryptorAddress, bytes flags, bytes data, bytes32 _metaDataHash, (address validatorAddress, uint8 v, bytes32 r, bytes32 s)[] _metadataProofs)',
  'function transferFrom(address from, address to, uint256 tokenId)',
  'function getMetaData() view returns (string decryptorUrl, string decryptorAddress, uint8 state, bool hasMetaData)',
  'function isDeployed(address datatoken) view returns (bool)',
  'function ownerOf(uint256 tokenId) view returns (address)',
] as const

/** What we ask the factory (local-chain-and-contracts §4.3). */
export const FACTORY_ABI = [
  'event NFTCreated(address newTokenAddress, address indexed templateAddress, string tokenName, address indexed admin, string symbol, string tokenURI, bool transferable, address indexed creator)',
  'event TokenCreated(address indexed newTokenAddress, address indexed templateAddress, string name, string symbol, uint256 cap, address creator)',
  `function createNftWithErc20(${NFT_TUPLE} _NftCreateData, ${DATATOKEN_TUPLE} _ErcCreateData) returns (address erc721Address, address erc20Address)`,
  'function erc721List(address nft) view returns (address)',
] as const

/** How a contract says that a signature is its own (ERC-1271). */
const CONTRACT_ACCOUNT_ABI = ['function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)'] as const

/** The fragments above, compiled once. They do not leave this package. */
export const datatokenInterface = new Interface(DATATOKEN_ABI)
export const dataNftInterface = new Interface(DATA_NFT_ABI)
export const contractAccountInterface = new Interface(CONTRACT_ACCOUNT_ABI)
export const factoryInterface = new Interface(FACTORY_ABI)
