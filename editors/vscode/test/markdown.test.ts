import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '../src/webview/markdown.ts';

test('HTML that a model writes is never HTML of the page', () => {
  const html = render('<img src=x onerror=alert(1)> <script>alert(1)</script>\n\n<b onclick="x()">bold</b>');
  assert.ok(!/<(img|script|b)\b/.test(html), html);
});

test('an image is not fetched, and no link runs anything', () => {
  const html = render('![a](https://e.example/a.png) [b](javascript:alert(1)) [c](command:workbench.action.quit) [d](file:///etc/passwd)');
  assert.ok(!html.includes('<img'), html);
  assert.ok(!/href="(javascript|command|file)/i.test(html), html);
});

test('a link to a web page stays a link', () => {
  assert.ok(render('[docs](https://e.example/docs)').includes('<a href="https://e.example/docs">docs</a>'));
});

test('code stays code, an unclosed block of a half answer too', () => {
  assert.ok(render('```odd\nif a < b:\n').includes('<code class="language-odd">if a &lt; b:'));
  assert.ok(render('```python\nif a < b:\n').includes('<span class="hljs-keyword">if</span> a &lt; b:'));
});

test('declarations are told from other keywords, as a theme colors them, and code is never HTML', () => {
  const html = render('```ts\nconst a = await b("<script>");\n```');
  assert.ok(html.includes('<span class="hljs-storage">const</span>'), html);
  assert.ok(html.includes('<span class="hljs-keyword">await</span>'), html);
  assert.ok(!html.includes('<script'), html);
});
