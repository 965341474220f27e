// Renders a model's Markdown as HTML, without raw HTML, without images, and with links to http and https only.
import MarkdownIt from 'markdown-it';

const markdown = new MarkdownIt({ html: false }).disable('image');
markdown.validateLink = (url) => /^https?:\/\//i.test(url);

export function render(text: string): string {
  return markdown.render(text);
}
