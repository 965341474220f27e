--- The words in which a new text differs from the old one.
local M = {}

local LEAST_KEPT = 0.4 -- the share of a line's text; with less of it, the line is another

local diff = vim.text and vim.text.diff or vim.diff -- Neovim 0.11 has only the latter

--- Returns the words of a line, the runs of white space and the other characters, in order.
local function tokens_of(text)
  local tokens, at = {}, 1
  while at <= #text do
    local token = text:match('^[%w_\128-\255]+', at) or text:match('^%s+', at) or text:sub(at, at)
    table.insert(tokens, token)
    at = at + #token
  end
  return tokens
end

local function concat(tokens, from, count)
  return table.concat(tokens, '', from, from + count - 1)
end

--- Returns the parts of one line that changed: a list of { col, old, new }, where `old` begins at the column `col` (from
--- 0, in bytes) of the old line, and `new_col` is the column of `new` in the new one. Changes with nothing but white
--- space between them are one.
function M.words(old, new)
  local olds, news = tokens_of(old), tokens_of(new)
  local function joined(tokens)
    return #tokens > 0 and table.concat(tokens, '\n') .. '\n' or ''
  end
  local parts = {}
  for _, hunk in ipairs(diff(joined(olds), joined(news), { result_type = 'indices', algorithm = 'histogram' })) do
    local old_at, old_count, new_at, new_count = unpack(hunk)
    -- An empty side is given by the token before it.
    old_at, new_at = old_at + (old_count == 0 and 1 or 0), new_at + (new_count == 0 and 1 or 0)
    local part = {
      col = #concat(olds, 1, old_at - 1),
      old = concat(olds, old_at, old_count),
      new_col = #concat(news, 1, new_at - 1),
      new = concat(news, new_at, new_count),
    }
    local last = parts[#parts]
    local between = last and old:sub(last.col + #last.old + 1, part.col)
    if between and not between:find('%S') then
      last.old, last.new = last.old .. between .. part.old, last.new .. between .. part.new
    else
      table.insert(parts, part)
    end
  end
  return parts
end

--- Returns the new words of a line that is hardly the old one: all of them.
local function whole(old, new)
  local old_indent, new_indent = #old:match('^%s*'), #new:match('^%s*')
  return { { col = old_indent, old = old:sub(old_indent + 1), new_col = new_indent, new = new:sub(new_indent + 1) } }
end

--- Returns the changed parts of a line, as `words`; the whole line when most of it changed.
function M.parts(old, new)
  local parts, kept = M.words(old, new), #old:gsub('%s', '')
  for _, part in ipairs(parts) do
    kept = kept - #part.old:gsub('%s', '')
  end
  local longer = math.max(#old:gsub('%s', ''), #new:gsub('%s', ''))
  return (new == '' or #parts > 1) and kept < LEAST_KEPT * longer and whole(old, new) or parts
end

--- Returns the runs of lines that changed: a list of { row, olds, news }, where `row` is that of the first old line in
--- `olds`, from 0. Lines that resemble each other are paired.
function M.lines(olds, news)
  local options = { result_type = 'indices', algorithm = 'histogram', linematch = true }
  local function joined(lines)
    return #lines > 0 and table.concat(lines, '\n') .. '\n' or ''
  end
  return vim.tbl_map(function(hunk)
    local old_at, old_count, new_at, new_count = unpack(hunk)
    return {
      row = old_at - (old_count == 0 and 0 or 1), -- lines that are only new are given by the old line before them
      olds = vim.list_slice(olds, old_at, old_at + old_count - 1),
      news = vim.list_slice(news, new_at, new_at + new_count - 1),
    }
  end, diff(joined(olds), joined(news), options))
end

--- Returns how many lines the two lists have in common at the beginning, and behind that at the end.
function M.common(olds, news)
  local most = math.min(#olds, #news)
  local head = 0
  while head < most and olds[head + 1] == news[head + 1] do
    head = head + 1
  end
  local tail = 0
  while tail < most - head and olds[#olds - tail] == news[#news - tail] do
    tail = tail + 1
  end
  return head, tail
end

return M
