-- report.lua: nn.report: one self-contained HTML page of texts, pictures, tables and models.
--
-- What an item becomes: a string, paragraphs; a picture, a figure; a history, its curves and table;
-- a module, its layers and numbers of parameters; a tensor, a table or a histogram; a dataset, an
-- optimizer, a loss, what tostring says; any object with a method `picture`, or with `plot` and
-- `csv` as results of experiments have, that figure and its tostring; a plain table, a table.
-- {caption = text, item} names an item. Nothing refers to anything outside the file, which a
-- content security policy enforces.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local figure = require "nn.report.figure"
local module = require "nn.module"
local picture = require "nn.plot.picture"
local scale = require "nn.plot.scale"
local text = require "nn.plot.text"
local util = require "nn.util"

local raise = util.raise
local escape = text.escape

-- ---- items ------------------------------------------------------------------------------------

local function pre(s)
  local lines = {}
  for line in (tostring(s) .. "\n"):gmatch "([^\n]*)\n" do
    lines[#lines + 1] = escape((line:gsub("\t", "    ")))
  end
  while lines[#lines] == "" do lines[#lines] = nil end
  return "<pre>" .. table.concat(lines, "\n") .. "</pre>\n"
end

-- Paragraphs between empty lines; lines that begin with "# " or "## " are headings.
local function prose(s)
  local out, words = {}, {}
  local function close()
    if #words > 0 then out[#out + 1] = "<p>" .. escape(table.concat(words, " ")) .. "</p>\n" end
    words = {}
  end
  for line in (s .. "\n"):gmatch "([^\n]*)\r?\n" do
    local level, heading = line:match "^(##?)%s+(.+)$"
    if level then
      close()
      local tag = level == "#" and "h2" or "h3"
      out[#out + 1] = ("<%s>%s</%s>\n"):format(tag, escape(heading), tag)
    elseif line:find "^%s*$" then
      close()
    else
      words[#words + 1] = line
    end
  end
  close()
  return table.concat(out)
end

local function captioned(caption)
  return caption and '<p class="caption">' .. escape(caption) .. "</p>\n" or ""
end

local CELLS = 20 -- rows and columns of a tensor that is shown in full

local function tensor_html(t, caption)
  local d = t:dim()
  if d == 0 then return captioned(caption) .. prose(scale.label(t:item())) end
  if t:numel() > 0 and d <= 2 and t:size(1) <= CELLS and t:size(d) <= CELLS then
    local list = t:detach():totable()
    local rows = d == 1 and {list} or list
    local columns = {}
    for k = 1, t:size(d) do columns[k] = k end
    return captioned(caption) .. figure.table(columns, rows)
  end
  local what = util.describe(t)
  if t:numel() == 0 then return captioned(caption) .. prose(what) end
  local x = t:detach():to "float64"
  local p = picture.new("plot", {title = what, xlabel = "value", ylabel = "count", height = 260})
  p:hist(x)
  local sound = x:masked_select(x:isfinite())
  local numbers = ""
  if #sound > 0 then
    numbers = figure.table({"least", "mean", "greatest", "not finite"}, {{sound:min():item(),
      sound:mean():item(), sound:max():item(), x:numel() - #sound}})
  end
  return figure.html(p, caption) .. numbers
end

local function module_html(m, caption)
  local count = 0
  for _, pair in ipairs(m:named_parameters()) do count = count + pair.tensor:numel() end
  local rows = {}
  for i, pair in ipairs(m:named_parameters()) do
    rows[i] = {pair.name, util.shape(pair.tensor), pair.tensor:numel()}
  end
  return captioned(caption or ("A model of %d parameters"):format(count)) .. pre(m)
    .. "<details><summary>Parameters</summary>"
    .. figure.table({"name", "shape", "numbers"}, rows) .. "</details>\n"
end

local HISTORY = 300 -- rows of its table

local function history_html(h, caption)
  local core_history = require "nn.history"
  local p = require "nn.plot.history".new("report", h)
  local columns, rows = core_history.all_columns(h), {}
  local every = math.max(1, math.ceil(#h / HISTORY))
  for i, record in ipairs(h) do
    if (i - 1) % every == 0 or i == #h then
      local row = {}
      for c, name in ipairs(columns) do row[c] = record[name] == nil and "" or record[name] end
      rows[#rows + 1] = row
    end
  end
  local words = {}
  if #h > 0 then words[1] = ("%d epochs"):format(#h) end
  if h.stopped_by and h.stopped_by ~= "epochs" then
    words[#words + 1] = "stopped by " .. tostring(h.stopped_by)
  end
  if h.best_epoch then words[#words + 1] = ("best epoch %d"):format(h.best_epoch) end
  return figure.html(p, caption or (#words > 0 and table.concat(words, ", ") or nil), false)
    .. ("<details><summary>The numbers%s</summary>"):format(
      every > 1 and (" (every %d epochs)"):format(every) or "")
    .. figure.table(columns, rows) .. "</details>\n"
end

-- ---- plain tables -----------------------------------------------------------------------------

local function shown(v)
  if type(v) == "number" or type(v) == "string" then return v end
  if core.kind(v) == "tensor" then
    return v:numel() == 1 and v:item() or util.describe(v)
  end
  return tostring(v)
end

local function shown_row(row)
  local cells = {}
  for k, v in ipairs(row) do cells[k] = shown(v) end
  return cells
end

-- Rows of a list whose elements are records, lists, or single values.
local function list_html(list)
  local columns, known, rows = {}, {}, {}
  for _, v in ipairs(list) do
    if type(v) == "table" and #v == 0 then
      for _, key in ipairs(util.sorted_keys(v)) do
        if not known[key] then
          known[key] = true
          columns[#columns + 1] = key
        end
      end
    end
  end
  for i, v in ipairs(list) do
    if #columns > 0 and type(v) == "table" then
      rows[i] = {}
      for c, key in ipairs(columns) do rows[i][c] = v[key] == nil and "" or shown(v[key]) end
    else
      rows[i] = type(v) == "table" and getmetatable(v) == nil and shown_row(v) or {shown(v)}
    end
  end
  local most = #columns
  for _, row in ipairs(rows) do most = math.max(most, #row) end
  for k = #columns + 1, most do columns[k] = k end
  return figure.table(columns, rows)
end

local function table_html(t, caption)
  if type(t.columns) == "table" and type(t.rows) == "table" then
    local rows = {}
    for i, row in ipairs(t.rows) do rows[i] = shown_row(row) end
    return captioned(caption) .. figure.table(t.columns, rows)
  end
  if #t > 0 then return captioned(caption) .. list_html(t) end
  local rows = {}
  for _, key in ipairs(util.sorted_keys(t)) do rows[#rows + 1] = {tostring(key), shown(t[key])} end
  return captioned(caption) .. figure.table({"name", "value"}, rows)
end

-- ---- any item ---------------------------------------------------------------------------------

local function method(v, name)
  local meta = getmetatable(v)
  if type(v) ~= "table" or type(meta) ~= "table" then return nil end
  local ok, f = pcall(function() return v[name] end)
  return ok and type(f) == "function" and f or nil
end

-- The picture of a result: by its method `picture`, or what `plot`, as all results of experiments
-- have it, returns when it saves.
local function result_picture(v, i)
  local p
  if method(v, "picture") then
    p = v:picture()
  else
    local base = os.tmpname()
    local _ <close> = util.finally(function()
      os.remove(base)
      os.remove(base .. ".svg")
    end)
    p = v:plot(base .. ".svg")
  end
  if picture.is(p) then return p end
  raise("report: item %d: its method '%s' must return a picture, got %s", i,
    method(v, "picture") and "picture" or "plot", util.describe(p))
end

local function item_html(v, caption, i)
  if type(v) == "string" then return captioned(caption) .. prose(v) end
  if type(v) == "number" then return captioned(caption) .. prose(scale.label(v)) end
  if type(v) == "boolean" then return captioned(caption) .. prose(tostring(v)) end
  if picture.is(v) then return figure.html(v, caption) end
  if core.kind(v) == "tensor" then return tensor_html(v, caption) end
  if module.is_module(v) then return module_html(v, caption) end
  if util.describe(v) == "a history" then return history_html(v, caption) end
  if method(v, "picture") or (method(v, "plot") and method(v, "csv")) then
    return figure.html(result_picture(v, i), caption) .. pre(v)
  end
  if core.kind(v) or dataset.is_dataset(v) then return captioned(caption) .. pre(v) end
  if type(v) == "table" then
    local meta = getmetatable(v)
    if type(meta) == "table" and meta.__tostring then return captioned(caption) .. pre(v) end
    if meta == nil and v.caption ~= nil and v[1] ~= nil and #v == 1 then
      return item_html(v[1], tostring(v.caption), i)
    end
    return table_html(v, caption)
  end
  raise("report: item %d: a report holds texts, pictures, histories, models, tensors, tables and "
    .. "results; got %s", i, util.describe(v))
end

-- ---- the page ---------------------------------------------------------------------------------

local SCRIPT = 300000 -- bytes of a script that is shown

local function script_source()
  local name = type(arg) == "table" and arg[0]
  if type(name) ~= "string" or name:sub(1, 1) == "-" or not name:find "%.lua$" then return nil end
  local file = io.open(name, "rb")
  if not file then return nil end
  local source = file:read(SCRIPT + 1)
  file:close()
  return source and #source <= SCRIPT and source or nil, name
end

local function settings(o)
  local v = core.version()
  local rows = {}
  local function row(name, value) rows[#rows + 1] = {name, tostring(value)} end
  if type(arg) == "table" and type(arg[0]) == "string" then
    local words = {arg[0]}
    for _, word in ipairs(arg) do words[#words + 1] = tostring(word) end
    row("script", table.concat(words, " "))
  end
  if o.date ~= false then
    row("date", type(o.date) == "string" and o.date or os.date "%Y-%m-%d %H:%M")
  end
  row("seed", core.rng_state().seed)
  row("threads", v.threads)
  row("nnlua", v.nnlua)
  row("Lua", v.lua)
  row("BLAS", v.blas)
  local source = o.script ~= false and script_source()
  return "<footer>\n<h2>How this was made</h2>\n" .. figure.table({"setting", "value"}, rows)
    .. (source and "<details><summary>The script</summary>" .. pre(source) .. "</details>\n" or "")
    .. "</footer>\n"
end

local function page(o, body)
  local title = escape(o.title or "Report")
  return table.concat {
    '<!DOCTYPE html>\n<html lang="', escape(o.lang or "en"), '">\n<head>\n<meta charset="utf-8">\n',
    '<meta name="viewport" content="width=device-width,initial-scale=1">\n',
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ",
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n",
    '<link rel="icon" href="data:,">\n<title>', title, "</title>\n<style>\n",
    require "nn.report.style", "</style>\n</head>\n<body>\n<main>\n<h1>", title, "</h1>\n", body,
    "</main>\n<script>\n", require "nn.report.script", "</script>\n</body>\n</html>\n",
  }
end

--- nn.report(path, {title, "text", history, result, picture, model, ...}) -> path
--- Writes one HTML page of the items, in their order, that opens anywhere: nothing in it refers to
--- anything outside. A string is text (an empty line begins a paragraph; "# " and "## " begin
--- headings); a picture (nn.plot) a figure whose legend hides and shows the curves and which tells
--- values where one points; a history (nn.fit) its curves, with the best epoch, and its table; a
--- result of an experiment its picture and table; a model its layers and parameters; a tensor a
--- table, or a histogram where it is large; a table a table: {name = value}, a list of records, or
--- {columns = {...}, rows = {{...}}}. `{caption = "text", item}` gives an item a caption. At the
--- end stand the seed, the threads, the versions and the script. The page is light or dark as the
--- reader's system is, prints, and has the numbers behind each curve as a table.
---
--- Options, by name: `title` ("Report"), `date` (now; a text, or false for none: then the same data
--- give the same bytes), `script` (true): show the script's source, `lang` ("en").
--- Example:
---   local path = os.tmpname() .. ".html"
---   nn.report(path, {title = "Squares", "How they grow.",
---     nn.plot{xlabel = "n"}:line{1, 4, 9, 16}, {least = 1, greatest = 16}})
---   os.remove(path)
local function report(path, items)
  if type(path) ~= "string" then
    raise("report: the path must be a string, got %s", util.describe(path))
  end
  if type(items) ~= "table" or getmetatable(items) then
    raise("report: expected a list of what goes into the report, {title = ..., \"text\", history}, "
      .. "got %s", util.describe(items))
  end
  local o, list = {}, {}
  for key, v in pairs(items) do
    if math.type(key) ~= "integer" then o[key] = v end
  end
  o = util.options("report", o, {title = {"string"}, date = {"any"}, script = {"boolean", true},
    lang = {"string"}})
  local last = 0
  for key in pairs(items) do
    if math.type(key) == "integer" then last = math.max(last, key) end
  end
  if last > 10000 then raise("report: item %d: a report has at most 10000 items", last) end
  for i = 1, last do
    if items[i] == nil then
      raise("report: item %d is nil; was a function called that returns nothing?", i)
    end
    list[i] = item_html(items[i], nil, i)
  end
  list[#list + 1] = settings(o)
  picture.write_file("report", path, page(o, table.concat(list)))
  return path
end

return report
