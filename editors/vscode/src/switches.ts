// The settings that turn completion on and off, everywhere and for one language.

export interface Switches {
  enabled: boolean;
  disabledLanguages: readonly string[];
}

/** Returns the reason why completion is off in this language; undefined if it is on. */
export function whyOff(switches: Switches, language: string | undefined): string | undefined {
  if (!switches.enabled) {
    return 'Completions are turned off.';
  }
  if (language !== undefined && switches.disabledLanguages.includes(language)) {
    return `Completions are turned off for ${language}.`;
  }
  return undefined;
}

/** Returns the disabled languages after one language was toggled. */
export function withLanguageToggled(languages: readonly string[], language: string): string[] {
  return languages.includes(language)
    ? languages.filter((other) => other !== language)
    : [...languages, language].sort();
}
