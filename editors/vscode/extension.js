// Starts the server. Inline completion itself is vscode-languageclient's, Tab is VS Code's.
const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

const OURS = ['command', 'languages']; // the others are the server's

let client;
let names;
let turn = Promise.resolve();

function buildClient() {
  const settings = vscode.workspace.getConfiguration('midspan');
  const [command, ...args] = settings.get('command');
  const languages = settings.get('languages');
  const documentSelector = ['file', 'untitled'].flatMap((scheme) => languages.map((language) => ({ scheme, language })));
  // Only what the user has set: the rest is for midspan.toml.
  const initializationOptions = Object.fromEntries(
    names.map((name) => [name, settings.inspect(name).globalValue]).filter(([, value]) => value !== undefined),
  );
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
  const { properties } = context.extension.packageJSON.contributes.configuration;
  names = Object.keys(properties)
    .map((key) => key.replace('midspan.', ''))
    .filter((name) => !OURS.includes(name));
  context.subscriptions.push(
    vscode.commands.registerCommand('midspan.restart', restart),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('midspan') && restart()),
  );
  await restart();
};

exports.deactivate = stop;
