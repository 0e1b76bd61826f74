-- args.lua: nn.args{lr = 0.1, deep = false}: a script's options, with defaults from which their
-- types follow, overridden by --lr 0.01 and --deep on its command line.
local util = require "nn.util"

local raise = util.raise

-- "--lr 0.1", or "--deep, --no-deep (false)" for help and errors.
local function usage(defaults)
  local lines = {}
  for i, name in ipairs(util.sorted_keys(defaults)) do
    local default = defaults[name]
    if type(default) == "boolean" then
      lines[i] = ("  --%s, --no-%s (default: %s)"):format(name, name,
        default and "--" .. name or "--no-" .. name)
    else
      lines[i] = ("  --%s %s (default: %s)"):format(name,
        math.type(default) == "integer" and "N" or type(default) == "number" and "X" or "TEXT",
        type(default) == "string" and ("%q"):format(default) or tostring(default))
    end
  end
  return table.concat(lines, "\n")
end

local function check_defaults(defaults)
  if type(defaults) ~= "table" then
    raise("args: expected a table of defaults, as in nn.args{lr = 0.1}, got %s",
      util.describe(defaults))
  end
  for _, name in ipairs(util.sorted_keys(defaults)) do
    local default = defaults[name]
    if type(name) ~= "string" or not name:find "^%a[%w_]*$" then
      raise("args: defaults have names of letters, digits and _, got [%s]", tostring(name))
    end
    if not ({number = true, string = true, boolean = true})[type(default)] then
      raise("args: the default of '%s' must be a number, a string, true or false, got %s", name,
        util.describe(default))
    end
  end
end

-- The value of an option as its default's type.
local function convert(name, text, default, complain)
  if type(default) == "string" then return text end
  local v = tonumber(text)
  if math.type(default) == "integer" then
    v = v and math.tointeger(v)
    return v or complain("--%s needs a whole number, got '%s'", name, text)
  end
  return v and v + 0.0 or complain("--%s needs a number, got '%s'", name, text)
end

-- Reads one option at list[i]; returns the index of the last argument that it took.
local function read_option(list, i, defaults, result, complain)
  local name, value = list[i]:match "^%-%-([^=]*)=(.*)$"
  name = (name or list[i]:sub(3)):gsub("-", "_")
  local default = defaults[name]
  if default == nil and name:find "^no_" and type(defaults[name:sub(4)]) == "boolean" then
    if value then complain("--%s takes no value", name) end
    result[name:sub(4)] = false
    return i
  end
  if default == nil then
    local near = util.nearest(name, util.sorted_keys(defaults))
    complain("there is no option --%s%s", name, near and "; did you mean --" .. near .. "?" or "")
  end
  if type(default) == "boolean" then
    if value and value ~= "true" and value ~= "false" then
      complain("--%s is true or false, got '%s'", name, value)
    end
    result[name] = value ~= "false"
    return i
  end
  if not value then
    i = i + 1
    value = list[i]
    if value == nil or value:find "^%-%-" then complain("--%s needs a value", name) end
  end
  result[name] = convert(name, value, default, complain)
  return i
end

--- nn.args({name = default, ...}) -> table
--- The options of a script: its defaults, each overridden by --name value, --name=value, --flag or
--- --no-flag behind the script's name; the default says the type. What is no option is in [1],
--- [2], ...;
--- --help prints them all. An unknown option or a wrong value is an error that lists them.
--- Example:
---   local opt = nn.args{lr = 0.1, epochs = 10, deep = false}
---   print(opt.lr, opt.epochs, opt.deep)
-- `list`: the arguments, those of the script unless given.
return function(defaults, list)
  check_defaults(defaults)
  list = list or rawget(_G, "arg") or {}
  local result = {}
  for name, default in pairs(defaults) do result[name] = default end
  local function complain(format, ...)
    raise("%s: %s; the options are\n%s", list[0] or "args", format:format(...), usage(defaults))
  end
  local i = 1
  while i <= #list do
    local word = list[i]
    if word == "--" then
      table.move(list, i + 1, #list, #result + 1, result)
      break
    elseif word == "--help" and defaults.help == nil then
      print(("usage: %s [options]\n%s"):format(list[0] or "script", usage(defaults)))
      os.exit(true, true)
    elseif word:sub(1, 2) == "--" then
      i = read_option(list, i, defaults, result, complain)
    else
      result[#result + 1] = word
    end
    i = i + 1
  end
  return result
end
