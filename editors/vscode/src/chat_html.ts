// The HTML of the chat view: it loads nothing from outside and runs only its own script.
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

export function chatHtml(webview: vscode.Webview, extension: vscode.Uri): string {
  const file = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', name)).toString();
  const nonce = randomBytes(16).toString('base64');
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="stylesheet" href="${file('chat.css')}">
<title>Midspan</title>
</head>
<body>
<main id="turns" aria-live="polite"></main>
<form id="composer">
<ul id="references" aria-label="References of the next question"></ul>
<ul id="mentions" role="listbox" aria-label="Files, folders and symbols" hidden></ul>
<textarea id="question" rows="3" placeholder="Ask about your code; @ names files and symbols" aria-label="Question" aria-controls="mentions" aria-autocomplete="list"></textarea>
<div class="row">
<button type="button" id="add-selection" title="Refer to the selected lines">+ Selection</button>
<button type="button" id="add-file" title="Refer to the open file">+ File</button>
<span class="gap"></span>
<button type="button" id="stop" hidden>Stop</button>
<button type="submit" id="send">Send</button>
</div>
</form>
<script nonce="${nonce}" src="${file('chat.js')}"></script>
</body>
</html>`;
}
