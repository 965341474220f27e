'use strict';

/**
 * A queue that runs at most `limit` jobs at a time.
 */
class Queue {
  constructor(limit, { onIdle = () => {}, signal } = {}) {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`limit is ${limit}; it must be 1 or more (got "${typeof limit}")`);
    }
    this.limit = limit;
    this.waiting = [];
    this.running = new Set();
    this.onIdle = onIdle;
    signal?.addEventListener('abort', () => this.clear(new Error('aborted')), { once: true });
  }

  push(job, ...args) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ job, args, resolve, reject });
      this.#next();
    });
  }

  clear(reason) {
    for (const { reject } of this.waiting.splice(0)) {
      reject(reason);
    }
  }

  #next() {
    while (this.running.size < this.limit && this.waiting.length > 0) {
      const entry = this.waiting.shift();
      this.running.add(entry);
      Promise.resolve()
        .then(() => entry.job(...entry.args))
        .then(entry.resolve, entry.reject)
        .finally(() => {
          this.running.delete(entry);
          if (this.running.size === 0 && this.waiting.length === 0) {
            this.onIdle();
          } else {
            this.#next();
          }
        });
    }
  }
}

const PATTERNS = {
  blank: /^\s*$/,
  call: /^(\w+)\(([^)]*)\)$/,
  path: /^[\w./-]+\/[\w.]+$/i,
};

function parse(line) {
  const match = PATTERNS.call.exec(line.trim());
  if (!match) {
    return PATTERNS.blank.test(line) ? null : { name: line, args: [] };
  }
  const [, name, rest] = match;
  return {
    name,
    args: rest
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  };
}

async function main(lines) {
  const queue = new Queue(2, {
    onIdle() {
      console.log('idle');
    },
  });
  const results = await Promise.all(
    lines.map((line) =>
      queue.push(async (text) => {
        const call = parse(text);
        switch (call?.name) {
          case undefined:
            return '';
          case 'double':
            return call.args.map((n) => n * 2).join(', ');
          default:
            return `${call.name}: ${JSON.stringify(call.args)}`;
        }
      }, line),
    ),
  );
  return results.filter((result) => result !== '');
}

module.exports = { Queue, parse, main };
