// A model's Markdown as HTML: no HTML of its own, no images, and links only to where a browser may go.
import MarkdownIt from 'markdown-it';

const markdown = new MarkdownIt({ html: false }).disable('image');
markdown.validateLink = (url) => /^https?:\/\//i.test(url);

export function render(text: string): string {
  return markdown.render(text);
}
