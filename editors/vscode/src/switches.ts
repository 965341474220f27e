// Completion on and off, for everything and for a language. The settings of the editor hold it.

export interface Switches {
  enabled: boolean;
  disabledLanguages: readonly string[];
}

/** Why nothing is completed in a document of this language; undefined when it is. */
export function whyOff(switches: Switches, language: string | undefined): string | undefined {
  if (!switches.enabled) {
    return 'Completions are switched off.';
  }
  if (language !== undefined && switches.disabledLanguages.includes(language)) {
    return `Completions are switched off for ${language}.`;
  }
  return undefined;
}

/** The languages that are off after the switch of one was used. */
export function withLanguageSwitched(languages: readonly string[], language: string): string[] {
  return languages.includes(language)
    ? languages.filter((other) => other !== language)
    : [...languages, language].sort();
}
