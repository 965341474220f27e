// The settings that the extension sends to the server.

export type Options = Record<string, unknown>;

/** The settings that only the extension reads. */
const OWN = new Set(['path']);

/** Returns the names of the server's settings, from the keys of package.json. */
export function serverSettingNames(keys: readonly string[]): string[] {
  return keys.map((key) => key.replace(/^midspan\./, '')).filter((name) => !OWN.has(name));
}

/** The value of one setting at each level. */
export interface Inspected {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

/** Returns the settings that the user has set; midspan.toml decides the others. */
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

/** Returns whether the server must restart to go from `before` to `now`: a notification cannot remove a setting. */
export function needsRestart(before: Options, now: Options): boolean {
  return Object.keys(before).some((name) => !(name in now));
}
