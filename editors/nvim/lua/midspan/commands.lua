--- The command :Midspan and its subcommands.
local M = {}

local function notify_failure(done, what)
  if done.code ~= 0 then
    vim.notify(('%s: %s'):format(what, vim.trim(done.stderr)), vim.log.levels.ERROR)
  end
  return done.code == 0
end

--- Runs another command of the program and shows its output on a page.
local function show_output(...)
  local words = { ... }
  vim.system(require('midspan.server').program(...), { text = true }, vim.schedule_wrap(function(done)
    if notify_failure(done, 'midspan ' .. table.concat(words, ' ')) then
      require('midspan.page').open('midspan ' .. table.concat(words, ' '), vim.split(vim.trim(done.stdout), '\n'))
    end
  end))
end

local function hole(kind)
  return function()
    require('midspan.actions').apply(kind)
  end
end

local function answer(kind)
  return function(call)
    require('midspan.actions').answer(kind, call)
  end
end

--- The subcommands by name. `call` is the argument that nvim_create_user_command passes.
local words = {
  toggle = function(call)
    local which = call.fargs[2]
    local filetype = which == 'language' and vim.bo.filetype or which
    if filetype and not vim.list_contains(vim.fn.getcompletion('', 'filetype'), filetype) then
      vim.notify((':Midspan toggle: %s is no file type'):format(filetype), vim.log.levels.ERROR)
      return
    end
    require('midspan.switch').toggle(filetype)
  end,
  status = function()
    require('midspan.status').show()
  end,
  trace = function()
    show_output('trace')
  end,
  stats = function()
    show_output('stats')
  end,
  doctor = function()
    vim.cmd.checkhealth('midspan')
  end,
  log = function()
    vim.cmd.tabedit(vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path())
  end,
  restart = function()
    require('midspan.restart')()
  end,
  model = function(call)
    local is_chat = call.fargs[2] == 'chat'
    require('midspan.model').choose(is_chat and 'chat' or 'completion', call.fargs[is_chat and 3 or 2])
  end,
  chat = function(call)
    require('midspan.chat').open(call)
  end,
  edit = function(call)
    require('midspan.actions').edit(table.concat(call.fargs, ' ', 2), call)
  end,
  ask = function()
    require('midspan').ask()
  end,
  body = hole('refactor.rewrite.midspan.body'),
  block = hole('refactor.rewrite.midspan.block'),
  docstring = hole('refactor.rewrite.midspan.docstring'),
  branch = hole('refactor.rewrite.midspan.branch'),
  import = hole('quickfix.midspan.import'),
  explain = answer('explain'),
  review = answer('review'),
  tests = answer('tests'),
  fix = answer('fix'),
}

--- The subcommands with text of the user's, in which a bar is no end of the command.
local WITH_TEXT = { 'chat', 'edit', 'explain', 'review', 'tests', 'fix' }

--- Cuts the arguments at a bar, and returns the command behind it, or "".
local function cut_at_bar(call)
  for index, argument in ipairs(call.fargs) do
    if argument == '|' and not vim.list_contains(WITH_TEXT, call.fargs[1]) then
      local behind = table.concat(call.fargs, ' ', index + 1)
      call.fargs = vim.list_slice(call.fargs, 1, index - 1)
      return behind
    end
  end
  return ''
end

local function complete(typed)
  return vim.tbl_filter(function(word)
    return vim.startswith(word, typed)
  end, vim.fn.sort(vim.tbl_keys(words)))
end

--- Creates :Midspan.
function M.create()
  vim.api.nvim_create_user_command('Midspan', function(call)
    local behind = cut_at_bar(call)
    local act = words[call.fargs[1]]
    if not act then
      vim.notify(
        (':Midspan has no subcommand %s; it has %s'):format(call.fargs[1], table.concat(complete(''), ', ')),
        vim.log.levels.ERROR
      )
      return
    end
    act(call)
    vim.cmd(behind)
  end, { nargs = '+', range = true, complete = complete, desc = 'Midspan: code assistance' })
end

return M
