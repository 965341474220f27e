// The text of the status bar item.
import type { Status } from './protocol.ts';
import type { ServerState } from './server_state.ts';

export interface ItemView {
  text: string;
  tooltip: string;
  severity: 'none' | 'error';
}

/** `off` is the reason why the editor requests no completions here, if it does not. */
export function describeStatus(server: ServerState, off: string | undefined): ItemView {
  switch (server.kind) {
    case 'starting':
      return { text: '$(loading~spin) Midspan', tooltip: 'Midspan is starting.', severity: 'none' };
    case 'installing':
      return { text: '$(loading~spin) Midspan', tooltip: 'Midspan is being installed.', severity: 'none' };
    case 'missing':
      return { text: '$(warning) Midspan', tooltip: server.problem, severity: 'error' };
    case 'failed':
      return { text: '$(error) Midspan', tooltip: server.problem, severity: 'error' };
    case 'running':
      return describeRunning(server.status, off);
  }
}

function describeRunning(status: Status | undefined, off: string | undefined): ItemView {
  const completion = status?.completion;
  const model = completion?.model ?? 'Midspan';
  if (off !== undefined) {
    return { text: '$(circle-slash) Midspan off', tooltip: off, severity: 'none' };
  }
  const chat = status?.chat?.state === 'ready' ? `Chat: ${status.chat.model}` : undefined;
  const tooltip = (...lines: (string | null | undefined)[]) => lines.filter(Boolean).join('\n');
  switch (completion?.state) {
    case 'error':
      return { text: '$(error) Midspan', tooltip: tooltip(completion.reason, chat), severity: 'error' };
    case 'off':
      return { text: '$(circle-slash) Midspan off', tooltip: tooltip(completion.reason, chat), severity: 'none' };
    case 'loading':
      return { text: `$(loading~spin) ${model}`, tooltip: tooltip(`Loading ${model}`, chat), severity: 'none' };
    default: {
      const icon = (status?.busy ?? 0) > 0 ? '$(loading~spin)' : '$(sparkle)';
      return { text: `${icon} ${model}`, tooltip: tooltip(`Completion: ${model}`, completion?.reason, chat), severity: 'none' };
    }
  }
}
