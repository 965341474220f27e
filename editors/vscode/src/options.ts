// The settings that the extension sends to the server.

export type Options = Record<string, unknown>;

/** The settings that only the extension reads. */
const OWN = new Set(['path', 'install.requirement', 'install.arguments']);

/** A setting of the server. A folder's settings never decide one that is the user's own. */
export interface ServerSetting {
  name: string;
  isUsersOwn: boolean;
}

/** Returns the server's settings, from the configuration in package.json. */
export function serverSettings(properties: Record<string, { scope?: string }>): ServerSetting[] {
  return Object.entries(properties)
    .map(([key, { scope }]) => ({ name: key.replace(/^midspan\./, ''), isUsersOwn: scope === 'machine' }))
    .filter(({ name }) => !OWN.has(name));
}

/** The value of one setting at each level. */
export interface Inspected {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

/** Returns the settings that the user has set; midspan.toml decides the others. An emptied field sets nothing. */
export function collectOptions(
  settings: readonly ServerSetting[],
  inspect: (name: string) => Inspected | undefined,
): Options {
  const options: Options = {};
  for (const { name, isUsersOwn } of settings) {
    const found = inspect(name);
    const foldersValue = isUsersOwn ? undefined : (found?.workspaceFolderValue ?? found?.workspaceValue);
    const value = foldersValue ?? found?.globalValue;
    if (value !== undefined && value !== '') {
      options[name] = value;
    }
  }
  return options;
}
