-- complete.lua: what Tab offers. Looks only at raw fields and at what is ours: no code of a script
-- runs.
local core = require "nn.core"
local names = require "nn.prompt.names"
local util = require "nn.util"

local keywords = {
  "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
}

-- ---- where the cursor is ----------------------------------------------------------------------

-- Inside a string: what of it stands before the cursor, or nil. Comments and long strings are not
-- told apart from code: nobody completes in them.
local function open_string(text)
  local quote, from
  local i = 1
  while i <= #text do
    local c = text:sub(i, i)
    if quote then
      if c == "\\" then i = i + 1 elseif c == quote then quote = nil end
    elseif c == '"' or c == "'" then
      quote, from = c, i + 1
    end
    i = i + 1
  end
  if quote then return text:sub(from), quote end
end

-- The text without what strings hold, at the same length.
local function without_strings(text)
  return (text:gsub("(['\"])(.-)%1", function(quote, inside)
    return quote .. (" "):rep(#inside) .. quote
  end))
end

-- The call whose table of options the cursor is in, at the beginning of a field: "nn.Linear", and
-- what of the field's name is there. Nil elsewhere.
local function open_options(text)
  local plain = without_strings(text)
  local before, part = plain:match "^(.*[{,]%s*)([%a_]?[%w_]*)$"
  if not before then return nil end
  local depth, at = 0, nil
  for i = #before, 1, -1 do -- the brace that is not closed
    local c = before:sub(i, i)
    if c == "}" or c == ")" then
      depth = depth + 1
    elseif c == "{" or c == "(" then
      if depth == 0 then
        at = c == "{" and i
        break
      end
      depth = depth - 1
    end
  end
  if not at then return nil end
  local head = before:sub(1, at - 1)
  local direct = head:match "([%a_][%w_.:]*)%s*$" -- name{...}
  if direct then return direct, part end
  depth = 0
  for i = #head, 1, -1 do -- name(a, b, {...}
    local c = head:sub(i, i)
    if c == ")" or c == "}" then
      depth = depth + 1
    elseif c == "(" or c == "{" then
      if depth == 0 then
        return c == "(" and head:sub(1, i - 1):match "([%a_][%w_.:]*)%s*$", part
      end
      depth = depth - 1
    end
  end
end

-- ---- candidates -------------------------------------------------------------------------------

local function starting_with(list, part)
  local found, seen = {}, {}
  for _, name in ipairs(list) do
    if name:sub(1, #part) == part and not seen[name] then
      seen[name] = true
      found[#found + 1] = name
    end
  end
  table.sort(found)
  return found
end

local function files(part, quote)
  local folder, start = part:match "^(.*/)([^/]*)$"
  folder, start = folder or "", start or part
  local list = {}
  for _, name in ipairs(core.folder(folder == "" and "." or folder) or {}) do
    if start ~= "" or name:sub(1, 1) ~= "." then list[#list + 1] = name end
  end
  local found = starting_with(list, start)
  if #found == 1 and found[1]:sub(-1) ~= "/" then found[1] = found[1] .. quote end
  return found, start
end

local function globals(session, part)
  local list = {table.unpack(keywords)}
  for _, t in ipairs {session, _G} do
    for key in next, t do
      if type(key) == "string" then list[#list + 1] = key end
    end
  end
  return starting_with(list, part)
end

local function fields(session, text)
  local path, separator, part = text:match "([%a_][%w_.:%[%]]*)([.:])([%w_]*)$"
  if not path then return nil end
  local owner = names.resolve(session, path)
  if owner == nil then return {}, part end
  return starting_with(names.of(owner, separator == ":"), part), part
end

-- Everything that could stand before the cursor, and the part of it that does.
local function candidates(session, text)
  local inside, quote = open_string(text)
  if inside then return files(inside, quote) end
  local command = text:match "^%s*:(%a*)$"
  if command then
    return starting_with(util.sorted_keys(require "nn.prompt".commands), command), command
  end
  local path = text:match "^%s*:load%s+(%S*)$" or text:match "^%s*:save%s+(%S*)$"
  if path then return files(path, "") end
  local owner, part = open_options(text)
  if owner then
    local found = starting_with(names.options(owner), part)
    for i, name in ipairs(found) do found[i] = name .. " = " end
    if #found > 0 then return found, part end
  end
  local found
  found, part = fields(session, text)
  if found then return found, part end
  part = text:match "[%a_][%w_]*$"
  if not part then return {}, "" end
  return globals(session, part), part
end

-- ---- what to do with them ---------------------------------------------------------------------

local function common_prefix(list)
  local prefix = list[1]
  for i = 2, #list do
    while list[i]:sub(1, #prefix) ~= prefix do prefix = prefix:sub(1, -2) end
  end
  return prefix
end

local function in_columns(list, width)
  local widest = 0
  for _, name in ipairs(list) do widest = math.max(widest, #name + 2) end
  local across = math.max(1, width // widest)
  local down = (#list + across - 1) // across
  local lines = {}
  for row = 1, down do
    local cells = {}
    for i = row, #list, down do cells[#cells + 1] = ("%-" .. widest .. "s"):format(list[i]) end
    lines[row] = table.concat(cells):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

-- For the cursor behind so many bytes of the line: what to insert, and the choices to list.
return function(session, line, cursor, width)
  local found, part = candidates(session, line:sub(1, cursor))
  if #found == 0 then return "", "" end
  local insert = common_prefix(found):sub(#part + 1)
  if #found == 1 or insert ~= "" then return insert, "" end
  return "", in_columns(found, width)
end
