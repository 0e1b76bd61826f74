-- prompt.lua: what the prompt is beside reading and calling (src/host/repl.c): how values are
-- shown, completion, commands, and the session's locals and history.
local core = require "nn.core"
local util = require "nn.util"

local M = {}

-- Where the locals of earlier lines stand; what is not there is a global.
local session

local function new_session()
  session = setmetatable({}, {__index = _G, __newindex = _G})
  M.session = session
end

-- The lines that went well, for :save.
local good = {}

-- What is about to run; record() says that it went well.
function M.hold(text)
  M.current = text
end

function M.record()
  good[#good + 1] = M.current
end

-- The chunk with a call of its first argument at the end, which takes the locals that are there
-- then. Constants are made variables: those of numbers and texts exist while compiling alone.
function M.keeping(text)
  local names, rest = text:match "^(%s*local%s+[%w_%s,<>]+)(=.*)$"
  if names then text = names:gsub("<%s*const%s*>", "") .. rest end
  return text .. "\n;(...)()"
end

function M.show(...)
  return require "nn.prompt.show".all(...)
end

function M.complete(line, cursor, width)
  return require "nn.prompt.complete"(session, line, cursor, width)
end

-- ---- commands ---------------------------------------------------------------------------------

local commands = {}

-- The value of an expression, or what a statement does, in the session.
local function compile(text)
  local f = load("return " .. text, "=stdin", "t", session)
  if f then return f end
  local problem
  f, problem = load(text, "=stdin", "t", session)
  if not f then error(problem, 0) end
  return f
end

local function seconds(t)
  if t < 1e-3 then return ("%.3g us"):format(t * 1e6) end
  if t < 1 then return ("%.3g ms"):format(t * 1e3) end
  return ("%.4g s"):format(t)
end

-- What is quick is done again until it has taken a while.
local function time_of(f)
  local began = core.time()
  local results = table.pack(f())
  local first = core.time() - began
  if first > 0.05 then return first, 1, results end
  local runs = 0
  local total
  began = core.time()
  repeat
    f()
    runs, total = runs + 1, core.time() - began
  until total > 0.2
  return total / runs, runs, results
end

commands.time = {"EXPRESSION", "how long it takes; what is quick is run again and again",
  function(text)
    if text == "" then error(":time needs an expression, such as :time x:matmul(y)", 0) end
    local each, runs, results = time_of(compile(text))
    print(runs == 1 and seconds(each) or ("%s (mean of %d runs)"):format(seconds(each), runs))
    if results.n > 0 then session._ = results[1] end
  end}

local function file_name(text, command)
  local name = text:match "^%s*(.-)%s*$"
  if name == "" then error((":%s needs the name of a file"):format(command), 0) end
  return name:match "^(['\"])(.*)%1$" and name:sub(2, -2) or name
end

commands.load = {"FILE", "runs a script in this session", function(text)
  local f, problem = loadfile(file_name(text, "load"), "t", session)
  if not f then error(problem, 0) end
  f()
end}

commands.save = {"FILE", "writes the lines of this session that went well, as a script",
  function(text)
    local name = file_name(text, "save")
    local f, problem = io.open(name, "w")
    if not f then error(problem, 0) end
    local lines = #good > 0 and table.concat(good, "\n") .. "\n" or ""
    local ok, why = f:write("-- a session of nnlua ", core.version().nnlua, "\n", lines)
    local closed, late = f:close()
    if not (ok and closed) then error(why or late, 0) end
    print(("%d line%s in %s"):format(#good, #good == 1 and "" or "s", name))
  end}

local function bytes(n)
  local unit = 1
  local units = {"bytes", "KiB", "MiB", "GiB"}
  while n >= 1024 and unit < #units do n, unit = n / 1024, unit + 1 end
  return (unit == 1 and "%d %s" or "%.1f %s"):format(n, units[unit])
end

commands.memory = {"", "what tensors, and Lua's own objects, take", function()
  local memory = core.memory()
  for _, name in ipairs {"live", "peak", "pooled", "limit"} do
    print(("%-8s %s"):format(name, bytes(memory[name])))
  end
  print(("%-8s %s"):format("Lua", bytes(math.floor(collectgarbage "count" * 1024))))
end}

local initial = {} -- the globals that were there before the session
commands.reset = {"", "forgets every variable, and starts the random numbers again", function()
  for _, key in ipairs(util.sorted_keys(_G)) do
    if initial[key] == nil then rawset(_G, key, nil) end
  end
  for key, value in pairs(initial) do rawset(_G, key, value) end
  new_session()
  good = {}
  core.seed(core.rng_state().seed)
  collectgarbage()
end}

commands.help = {"", "this list", function()
  print "?name             what a name means: ?nn.optim.Adam, ?dropout; also help(x)"
  for _, name in ipairs(util.sorted_keys(commands)) do
    print((":%-16s %s"):format(name .. " " .. commands[name][1], commands[name][2]))
  end
  print "Tab completes names, options and files; Ctrl-C stops what runs; Ctrl-D leaves."
  print "An expression prints its value, which stays in _; a final ; keeps silent."
end}

M.commands = commands

-- A line that begins with ? or :
function M.command(line)
  local topic = line:match "^%s*%?%s*(.-)%s*$"
  if topic then
    print(require "nn.help".topic(topic, session))
    return
  end
  local name, rest = line:match "^%s*:%s*(%a*)%s*(.-)%s*$"
  if not commands[name] then
    local near = util.nearest(name, util.sorted_keys(commands))
    error((":%s is no command%s; :help lists them"):format(name,
      near and (", did you mean :%s?"):format(near) or ""), 0)
  end
  commands[name][3](rest)
end

-- Called once, when a prompt begins.
function M.open()
  if rawget(_G, "help") == nil then
    rawset(_G, "help", function(x)
      print(require "nn.help".topic(x, session))
    end)
  end
  for key, value in pairs(_G) do initial[key] = value end
  new_session()
  return M
end

return M
