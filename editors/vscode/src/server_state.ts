import type { Status } from './protocol.ts';

/** What the user is to know of the server. `status` is for the document that is being edited. */
export type ServerState =
  | { kind: 'starting' }
  | { kind: 'running'; status: Status | undefined }
  | { kind: 'failed'; problem: string }
  | { kind: 'missing'; problem: string };
