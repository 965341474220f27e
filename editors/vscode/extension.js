// Starts the server. Inline completion itself is vscode-languageclient's, Tab is VS Code's.
const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

let client;
let turn = Promise.resolve();

function buildClient() {
  const settings = vscode.workspace.getConfiguration('midspan');
  const [command, ...args] = settings.get('command');
  const languages = settings.get('languages');
  const documentSelector = ['file', 'untitled'].flatMap((scheme) => languages.map((language) => ({ scheme, language })));
  const initializationOptions = {
    model: settings.get('model') || null,
    quant: settings.get('quant'),
    max_tokens: settings.get('maxTokens'),
    cache_bytes: settings.get('cacheBytes'),
    log_level: settings.get('logLevel'),
  };
  return new LanguageClient('midspan', 'Midspan', { command, args }, { documentSelector, initializationOptions });
}

async function start() {
  client = buildClient();
  try {
    await client.start();
  } catch (error) {
    const [command] = vscode.workspace.getConfiguration('midspan').get('command');
    vscode.window.showErrorMessage(
      `Midspan could not start ${command} (${error.message}). Install it, or give its whole path in midspan.command.`,
    );
  }
}

async function stop() {
  if (client?.isRunning()) {
    await client.stop();
  }
}

// One after the other: settings may change while the server starts.
function restart() {
  turn = turn.then(stop).then(start);
  return turn;
}

exports.activate = async (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand('midspan.restart', restart),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('midspan') && restart()),
  );
  await restart();
};

exports.deactivate = stop;
