// Renders a model's Markdown as HTML, without raw HTML, without images, and with links to http and https only.
import hljs from 'highlight.js/lib/common';
import MarkdownIt from 'markdown-it';

/** The keywords of declarations, which VS Code's grammars color as "storage", and highlight.js as all keywords. */
const STORAGE = new Set([
  'abstract', 'async', 'auto', 'class', 'const', 'def', 'enum', 'export', 'extends', 'final', 'fn', 'func',
  'function', 'impl', 'implements', 'interface', 'lambda', 'let', 'mut', 'package', 'private', 'protected', 'pub',
  'public', 'static', 'struct', 'trait', 'type', 'var', 'void',
]);

const markdown = new MarkdownIt({ html: false, highlight }).disable('image');
markdown.validateLink = (url) => /^https?:\/\//i.test(url);

export function render(text: string): string {
  return markdown.render(text);
}

/** Returns the code as HTML, or "" for a language that is not known: the code then stays as it is. */
function highlight(code: string, language: string): string {
  if (!hljs.getLanguage(language)) {
    return '';
  }
  const { value } = hljs.highlight(code, { language, ignoreIllegals: true });
  return value.replace(/<span class="hljs-keyword">(\w+)</g, (found, word: string) =>
    STORAGE.has(word) ? `<span class="hljs-storage">${word}<` : found,
  );
}
