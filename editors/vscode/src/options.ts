// The server's settings as they are sent to it.

export type Options = Record<string, unknown>;

/** Those of the extension's settings that are the extension's own. */
const OWN = new Set(['path']);

/** The names of the server's settings, from the keys of package.json. */
export function serverSettingNames(keys: readonly string[]): string[] {
  return keys.map((key) => key.replace(/^midspan\./, '')).filter((name) => !OWN.has(name));
}

/** What one setting says at each level. */
export interface Inspected {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

/** Only what the user has set: the rest is for midspan.toml. */
export function collectOptions(names: readonly string[], inspect: (name: string) => Inspected | undefined): Options {
  const options: Options = {};
  for (const name of names) {
    const found = inspect(name);
    const value = found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue;
    if (value !== undefined) {
      options[name] = value;
    }
  }
  return options;
}

/** Whether a server that was told `before` must start anew to follow: a notification cannot take a setting back. */
export function needsRestart(before: Options, now: Options): boolean {
  return Object.keys(before).some((name) => !(name in now));
}
