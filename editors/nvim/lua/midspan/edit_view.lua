--- Draws a next edit: its diff in the buffer, and its place when that is not on the screen.
local edit_diff = require('midspan.edit_diff')

local M = {}

local INLINE_PARTS = 3 -- a line with more changes is shown as a whole, below the old one
local FLOAT_WIDTH = 60
local REMOVED = { dark = 0x55222a, light = 0xffd7d9 } -- for colour schemes that give removed text no background

local namespace = vim.api.nvim_create_namespace('midspan.next_edit')
--- The buffer with the diff, and the window of the float.
local drawn_in, float

local function define_highlights()
  local function like(group)
    return vim.api.nvim_get_hl(0, { name = group, link = false })
  end
  local removed = like('DiffDelete')
  vim.api.nvim_set_hl(0, 'MidspanEditDelete', {
    fg = removed.fg,
    bg = removed.bg or REMOVED[vim.o.background],
    strikethrough = true,
    cterm = { strikethrough = true },
    default = true,
  })
  vim.api.nvim_set_hl(0, 'MidspanEditAdd', { link = 'DiffAdd', default = true })
  vim.api.nvim_set_hl(0, 'MidspanEditLine', { link = 'CursorLine', default = true })
  vim.api.nvim_set_hl(0, 'MidspanEditHint', { link = 'Comment', default = true })
  vim.api.nvim_set_hl(0, 'MidspanEditSign', { link = 'DiagnosticHint', default = true })
  vim.api.nvim_set_hl(0, 'MidspanEditFloat', { link = 'PmenuSel', default = true })
end

--- Returns text in which tabs are spaces: virtual text has no stops.
local function expand(buffer, text)
  local width = vim.bo[buffer].tabstop
  return (text:gsub('\t', (' '):rep(width)))
end

local function mark(buffer, row, col, options)
  vim.api.nvim_buf_set_extmark(buffer, namespace, row, col, options)
end

local function strike(buffer, row, col, length)
  if length > 0 then
    mark(buffer, row, col, { end_col = col + length, hl_group = 'MidspanEditDelete', priority = 4096 })
  end
end

--- Shows the parts of a line at their places: the old ones struck through, the new ones behind them.
local function draw_inline(buffer, row, parts)
  for _, part in ipairs(parts) do
    strike(buffer, row, part.col, #part.old)
    if part.new ~= '' then
      mark(buffer, row, part.col + #part.old, {
        virt_text = { { expand(buffer, part.new), 'MidspanEditAdd' } },
        virt_text_pos = 'inline',
      })
    end
  end
end

--- Returns a new line as chunks of virtual text, its changed words highlighted.
local function chunks_of(buffer, line, parts)
  local chunks, at = {}, 0
  for _, part in ipairs(parts) do
    table.insert(chunks, { expand(buffer, line:sub(at + 1, part.new_col)), 'MidspanEditLine' })
    table.insert(chunks, { expand(buffer, part.new), 'MidspanEditAdd' })
    at = part.new_col + #part.new
  end
  table.insert(chunks, { expand(buffer, line:sub(at + 1)), 'MidspanEditLine' })
  return chunks
end

--- Strikes the removed words of a run of lines, and returns its new lines as virtual ones.
local function draw_run(buffer, row, olds, news)
  local below = {}
  for index = 1, math.max(#olds, #news) do
    local old, new = olds[index], news[index]
    local parts = edit_diff.parts(old or '', new or '')
    for _, part in ipairs(old and parts or {}) do
      strike(buffer, row + index - 1, part.col, #part.old)
    end
    if new then
      table.insert(below, chunks_of(buffer, new, parts))
    end
  end
  return below
end

--- Draws runs of lines with no unchanged line between them; their new lines stand below the last old one.
local function draw_runs(buffer, row, runs)
  local olds, news = runs[1].olds, runs[1].news
  local parts = #runs == 1 and #olds == 1 and #news == 1 and edit_diff.parts(olds[1], news[1])
  if parts and #parts <= INLINE_PARTS and parts[1].old ~= vim.trim(olds[1]) then
    return draw_inline(buffer, row + runs[1].row, parts)
  end
  local below, last = {}, runs[#runs]
  for _, run in ipairs(runs) do
    vim.list_extend(below, draw_run(buffer, row + run.row, run.olds, run.news))
  end
  local under = row + last.row + #last.olds - 1
  if #below > 0 then
    mark(buffer, math.max(under, 0), 0, { virt_lines = below, virt_lines_above = under < 0 })
  end
end

--- Draws the diff of a change in its buffer; `hint` says what the key does.
local function draw_diff(change, hint)
  local buffer, runs = change.buffer, {}
  for _, run in ipairs(edit_diff.lines(change.olds, change.news)) do
    local last = runs[#runs]
    if last and last.row + #last.olds < run.row then
      draw_runs(buffer, change.row, runs)
      runs = {}
    end
    table.insert(runs, run)
  end
  draw_runs(buffer, change.row, runs)
  local anchor = math.max(#change.olds == 0 and change.row - 1 or change.row, 0)
  mark(buffer, anchor, 0, {
    sign_text = not vim.startswith(vim.wo.signcolumn, 'auto') and '▶' or nil, -- a column that opens moves all text
    sign_hl_group = 'MidspanEditSign',
    number_hl_group = 'MidspanEditSign',
  })
  mark(buffer, anchor, 0, { virt_text = { { '  ◀ ' .. hint, 'MidspanEditHint' } }, virt_text_pos = 'eol' })
end

--- Shows a line of text in a corner of the window: on top when the edit is above.
local function draw_float(text, is_above)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = 'wipe'
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, { ' ' .. text .. ' ' })
  local width = math.min(vim.fn.strdisplaywidth(text) + 2, vim.api.nvim_win_get_width(0))
  float = vim.api.nvim_open_win(buffer, false, {
    relative = 'win', anchor = is_above and 'NE' or 'SE', width = width, height = 1,
    row = is_above and 0 or vim.api.nvim_win_get_height(0), col = vim.api.nvim_win_get_width(0),
    style = 'minimal', border = 'none', focusable = false, noautocmd = true, zindex = 40,
  })
  vim.wo[float].winhighlight = 'Normal:MidspanEditFloat,NormalFloat:MidspanEditFloat'
end

--- Removes all that is drawn.
function M.clear()
  if drawn_in and vim.api.nvim_buf_is_valid(drawn_in) then
    vim.api.nvim_buf_clear_namespace(drawn_in, namespace, 0, -1)
  end
  if float and vim.api.nvim_win_is_valid(float) then
    vim.api.nvim_win_close(float, true)
  end
  drawn_in, float = nil, nil
end

--- Returns the change in a few words: "count → total".
local function summary(change)
  local old, new = change.olds[1], change.news[1]
  local part = old and new and edit_diff.parts(old, new)[1]
  local words = part and ('%s → %s'):format(vim.trim(part.old), vim.trim(part.new))
    or (new and '+ ' .. vim.trim(new) or '- ' .. vim.trim(old))
  return vim.fn.strcharpart(words, 0, FLOAT_WIDTH)
end

--- Draws a change. Its `place` is "here" (at the cursor), "shown", "above", "below" or "elsewhere" (in another file).
--- `why` is the server's reason in a few words.
function M.draw(change, key, why)
  key = key:match('^<(%a+)>$') or key
  M.clear()
  define_highlights()
  if change.place ~= 'elsewhere' then
    drawn_in = change.buffer
    local act = change.place == 'here' and 'accept' or 'jump'
    draw_diff(change, ('%s to %s%s'):format(key, act, why and ' · ' .. why or ''))
  end
  if change.where then
    draw_float(('%s  %s   %s to jump'):format(change.where, summary(change), key), change.place == 'above')
  end
end

return M
