// The colors of a color theme for the classes of highlight.js, by the scopes that VS Code's grammars give such tokens.

/** A rule of a color theme, as its file writes it. */
export interface TokenRule {
  scope?: string | string[];
  settings?: { foreground?: string };
}

const SCOPES = {
  addition: 'markup.inserted',
  attr: 'entity.other.attribute-name',
  attribute: 'support.type.property-name',
  built_in: 'support.function.builtin',
  comment: 'comment.line',
  deletion: 'markup.deleted',
  escape: 'constant.character.escape',
  function: 'entity.name.function',
  keyword: 'keyword.control',
  literal: 'constant.language',
  meta: 'entity.name.function.decorator',
  name: 'entity.name.tag',
  number: 'constant.numeric',
  operator: 'keyword.operator',
  params: 'variable.parameter',
  property: 'variable.other.property',
  regexp: 'string.regexp',
  section: 'markup.heading',
  self: 'variable.language',
  storage: 'storage.type',
  string: 'string.quoted',
  type: 'entity.name.type',
  variable: 'variable.other',
} as const;

export type TokenClass = keyof typeof SCOPES;
export type TokenColors = Partial<Record<TokenClass, string>>;

/** Returns the color of each class for which a rule has one. The most exact selector counts, of equal ones the last. */
export function tokenColors(rules: readonly TokenRule[]): TokenColors {
  const colors: TokenColors = {};
  for (const [name, scope] of Object.entries(SCOPES)) {
    let longest = 0;
    for (const { selector, color } of rules.flatMap(selectorsOf)) {
      const fits = scope === selector || scope.startsWith(`${selector}.`);
      if (fits && selector.length >= longest) {
        longest = selector.length;
        colors[name as TokenClass] = color;
      }
    }
  }
  return colors;
}

/** Returns the selectors of one scope. Those of a scope within another need more than a class says. */
function selectorsOf({ scope, settings }: TokenRule): { selector: string; color: string }[] {
  const color = settings?.foreground;
  if (color === undefined || !/^#[0-9a-f]{3,8}$/i.test(color)) {
    return [];
  }
  const written = typeof scope === 'string' ? scope.split(',') : (scope ?? []);
  return written
    .map((selector) => selector.trim())
    .filter((selector) => selector && !/\s/.test(selector))
    .map((selector) => ({ selector, color }));
}
