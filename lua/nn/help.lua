-- help.lua: the text behind ?name, help(x) and the reference manual. One table of entries, from two
-- sources: the descriptors of the core, and the comments that begin with --- in our Lua files.
local core = require "nn.core"
local gather = require "nn.help.gather"
local util = require "nn.util"

local M = {}

local WIDTH = 88

-- ---- finding ----------------------------------------------------------------------------------

-- The entry of a full name ("nn.optim.Adam"), or of the end of one ("optim.Adam", "Adam",
-- "ds:split") where only one has it.
function M.find(name)
  local all = gather.entries()
  if all[name] or all["nn." .. name] then return all[name] or all["nn." .. name] end
  local method = gather.aliases()["tensor:" .. (name:match "^[%w_]+:([%w_]+)$" or "")]
  if name:find "^tensor:" or name:find "^x:" then return method end
  local last = name:match "([%w_]+)$"
  local found
  for _, key in ipairs(gather.names()) do
    local same = key == name or key:sub(-#name - 1):match "^[.:](.*)$" == name
    if not same and name:find "[.:]" and last then -- whatever the script calls its dataset
      same = key:match "^%l[%w_]*:(.*)$" == last and name:match "^%l[%w_]*:"
    end
    if same then
      if found then return nil, true end
      found = all[key]
    end
  end
  return found or method
end

-- Entries in whose name the word occurs, then those in whose text it does.
function M.search(word)
  local in_name, in_text = {}, {}
  word = word:lower()
  for _, key in ipairs(gather.names()) do
    local entry = gather.entries()[key]
    if key:lower():find(word, 1, true) then
      in_name[#in_name + 1] = entry
    elseif entry.text:lower():find(word, 1, true) then
      in_text[#in_text + 1] = entry
    end
  end
  return in_name, in_text
end

-- The name of a value: a function or class of ours, or an object of one.
local function name_of(value)
  local kind = core.kind(value)
  if kind == "tensor" then return "tensor" end
  if kind then return tostring(value):match "^[%w_]+" end
  local named = gather.name_of(value)
  if named then return named end
  local meta = debug.getmetatable(value)
  local name = type(value) == "table" and type(meta) == "table" and rawget(meta, "__name")
  return type(name) == "string" and name or nil
end

-- ---- writing ----------------------------------------------------------------------------------

-- The text in lines of WIDTH columns; lines that begin with a space stay as they are.
local function wrap(text, indent)
  local lines, line = {}, ""
  local function flush()
    if line ~= "" then lines[#lines + 1] = indent .. line end
    line = ""
  end
  for given in (text .. "\n"):gmatch "(.-)\n" do
    if given == "" or given:find "^%s" then
      flush()
      lines[#lines + 1] = given == "" and "" or indent .. given
    else
      for word in given:gmatch "%S+" do
        if line ~= "" and #line + #word + 1 > WIDTH - #indent then flush() end
        line = line == "" and word or line .. " " .. word
      end
    end
  end
  flush()
  return table.concat(lines, "\n")
end

local function kind_of_param(p)
  local kind = p.choices and '"' .. table.concat(p.choices, '" | "') .. '"' or p.kind
  if p.needed then return kind end
  return p.default and ("%s = %s"):format(kind, p.default) or kind
end

local function arguments(entry)
  local lines, widest = {}, 0
  for _, p in ipairs(entry.params) do widest = math.max(widest, #p.name) end
  for _, p in ipairs(entry.params) do
    local head = ("  %-" .. widest .. "s  "):format(p.name)
    local body = wrap(("%s: %s"):format(kind_of_param(p), p.doc), (" "):rep(#head))
    lines[#lines + 1] = head .. body:sub(#head + 1)
  end
  return table.concat(lines, "\n")
end

-- The whole text of an entry.
function M.text(entry)
  local parts = {entry.signature, wrap(entry.text, "  ")}
  if entry.params and #entry.params > 0 then parts[#parts + 1] = arguments(entry) end
  if entry.example then
    parts[#parts + 1] = "  Example:\n" .. entry.example:gsub("([^\n]+)", "    %1")
  end
  return table.concat(parts, "\n\n")
end

local function first_sentence(text)
  local line = text:gsub("%s+", " ")
  line = line:match "^(.-[.:])%s" or line
  return #line > 70 and line:sub(1, 67) .. "..." or line
end

local function list(entries, most)
  local lines, widest = {}, 0
  for i = 1, math.min(#entries, most) do widest = math.max(widest, #entries[i].name) end
  for i = 1, math.min(#entries, most) do
    lines[i] = ("  %-" .. widest .. "s  %s"):format(entries[i].name,
      first_sentence(entries[i].text))
  end
  if #entries > most then lines[#lines + 1] = ("  ... and %d more"):format(#entries - most) end
  return table.concat(lines, "\n")
end

local overview = [[
?name or help(x) tells what a name means; ?word searches. For instance:

  ?nn.tensor  ?nn.Linear  ?nn.CrossEntropyLoss  ?nn.optim.Adam  ?nn.fit  ?nn.data.csv
  ?nn.plot    ?dropout    ?nn.save              ?nn.schedule    ?nn.search

:help lists the commands of the prompt.]]

-- The full name whose last part is nearest.
local function nearest(name)
  local last, full = {}, {}
  for i, key in ipairs(gather.names()) do
    last[i] = key:match "([%w_]+)$" or key
    full[last[i]] = full[last[i]] or key
  end
  return full[util.nearest(name:match "([%w_]+)$" or name, last)]
end

local function about(name)
  local entry = M.find(name)
  if entry then return M.text(entry) end
  local in_name, in_text = M.search(name)
  if #in_name == 1 then return M.text(in_name[1]) end
  if #in_name + #in_text == 0 then
    local near = nearest(name)
    return ("There is nothing about '%s'%s"):format(name,
      near and (". Did you mean %s?"):format(near) or "; ? alone says how to ask.")
  end
  local parts = {}
  if #in_name > 0 then parts[1] = list(in_name, 40) end
  if #in_text > 0 then
    parts[#parts + 1] = ("'%s' is mentioned in\n%s"):format(name, list(in_text, 15))
  end
  return table.concat(parts, "\n\n")
end

--- help(x) -> prints
--- What a name or a value means: at the prompt `?nn.optim.Adam` is the same as
--- `help(nn.optim.Adam)` and `help "nn.optim.Adam"`. An object (a layer, an optimizer, a dataset)
--- gives the text of its class. A word that is no name is searched for. Prompt only; scripts use
--- `require "nn.help".topic(x)`, which returns the text.
--- Example:
---   print(require "nn.help".topic "nn.Linear")
function M.topic(x, session)
  if x == nil or x == "" then return overview end
  if type(x) ~= "string" then
    local name = name_of(x)
    return name and about(name) or ("A %s of yours."):format(type(x))
  end
  local entry = M.find(x)
  if not entry and session then -- a variable of the session: what it holds
    local value = require "nn.prompt.names".resolve(session, x)
    local name = value ~= nil and name_of(value)
    if name then return about(name) end
  end
  return about(x)
end

return M
