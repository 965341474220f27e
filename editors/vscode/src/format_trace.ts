// Formats the traces of midspan/trace as text.

export interface Trace {
  id: number;
  at: number;
  kind: string;
  path: string;
  position: [number, number] | null;
  model: string;
  summary: string;
  confidence: number | null;
  tokens: Record<string, number>;
  ms: Record<string, number>;
  packed: { kind: string; path: string; why: string; tokens: number; first_line: number }[];
  packed_tokens: number;
  masked?: Record<string, number>;
}

/** Formats the traces, the newest first. */
export function formatTraces(traces: readonly Trace[]): string {
  if (!traces.length) {
    return 'No request has been answered yet.\n';
  }
  return [...traces].reverse().map(formatTrace).join('\n');
}

function formatTrace(trace: Trace): string {
  const place = trace.position ? `${trace.path}:${trace.position[0] + 1}:${trace.position[1] + 1}` : trace.path;
  const time = new Date(trace.at * 1000).toTimeString().slice(0, 8);
  const lines = [`#${trace.id}  ${time}  ${trace.kind}  ${place}`, `    ${trace.summary}`];
  const milliseconds = counts(trace.ms, (value) => `${value.toFixed(1)} ms`);
  const tokens = counts(trace.tokens, String);
  if (milliseconds) {
    lines.push(`    time: ${milliseconds}`);
  }
  if (tokens) {
    const confidence = trace.confidence === null ? '' : `; confidence ${trace.confidence.toFixed(2)}`;
    lines.push(`    tokens of ${trace.model}: ${tokens}${confidence}`);
  }
  const masked = counts(trace.masked ?? {}, String);
  if (masked) {
    lines.push(`    masked secrets: ${masked}`);
  }
  if (trace.packed.length) {
    lines.push(`    packed, ${trace.packed_tokens} tokens:`);

    for (const part of trace.packed) {
      const where = `${part.path}:${part.first_line + 1}`;
      lines.push(`    ${String(part.tokens).padStart(6)}  ${where}  ${part.kind}, ${part.why}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function counts(values: Record<string, number>, write: (value: number) => string): string {
  return Object.entries(values)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${write(value)}`)
    .join(', ');
}
