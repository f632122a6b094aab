import { stopSharedServers } from './shared-servers.ts'

// Jest asks for a default export here.
export default stopSharedServers
