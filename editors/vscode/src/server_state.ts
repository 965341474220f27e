import type { Status } from './protocol.ts';

/** The state of the server. `status` is for the active document. */
export type ServerState =
  | { kind: 'starting' }
  | { kind: 'running'; status: Status | undefined }
  | { kind: 'failed'; problem: string }
  | { kind: 'missing'; problem: string; canInstall: boolean }
  | { kind: 'installing' };
