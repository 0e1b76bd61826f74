-- experiment/workers.lua: tasks shared out over processes of this machine.
--
--   workers.run("search", count, f, {workers, seed, after, done, note})
--
-- f(i) is called once for each i in 1..count, in a process of its own (so what it changes in the
-- script's variables is gone when it ends), with one thread and random streams that depend on the
-- seed and on i alone: results do not depend on the number of workers. `done(i, result)` is called
-- here, in order of i: result is {value = what f returned} or {error = text}. With `after` = k task
-- i starts when done(i - k) was called, whatever the number of workers, so that f may use what was
-- known then. On a terminal a live line tells how far it is, with what `note()` says. `workers =
-- 0`: in this process, one after the other, without the line.
local core = require "nn.core"
local progress = require "nn.progress"
local streams = require "nn.fit.streams"
local util = require "nn.util"

local raise = util.raise
local pack, unpack = string.pack, string.unpack
local workers = {}

-- ---- answers as bytes -------------------------------------------------------------------------

local PIECE = 100 -- elements that are packed at a time: string.pack has that many arguments

local function pack_tensor(out, t)
  local integral = not t:dtype():find "^float"
  local list, letter = t:detach():reshape(-1):totable(), integral and "i8" or "d"
  out[#out + 1] = pack("<s1I1", t:dtype(), t:dim())
  for d = 1, t:dim() do out[#out + 1] = pack("<i8", t:size(d)) end
  for first = 1, #list, PIECE do
    local last = math.min(first + PIECE - 1, #list)
    out[#out + 1] = pack("<" .. letter:rep(last - first + 1), table.unpack(list, first, last))
  end
end

local function unpack_tensor(bytes, at)
  local shape, count = {}, 1
  local dtype, dims, first_size = unpack("<s1I1", bytes, at)
  at = first_size
  for d = 1, dims do
    shape[d], at = unpack("<i8", bytes, at)
    count = count * shape[d]
  end
  local list, letter = {}, dtype:find "^float" and "d" or "i8"
  for first = 1, count, PIECE do
    local n = math.min(PIECE, count - first + 1)
    local values = {unpack("<" .. letter:rep(n), bytes, at)}
    at = values[n + 1]
    table.move(values, 1, n, first, list)
  end
  if count == 0 then return core.zeros(shape, {dtype = dtype}), at end
  return core.tensor(list, {dtype = dtype}):reshape(shape), at
end

local function encode(value)
  local bytes, tensors = require "nn.files.tree".encode({value})
  local out = {pack("<s8I8", bytes, #tensors)}
  for _, t in ipairs(tensors) do pack_tensor(out, t) end
  return table.concat(out)
end

local function decode(text)
  local bytes, count, at = unpack("<s8I8", text)
  local tensors = {}
  for i = 1, count do tensors[i], at = unpack_tensor(text, at) end
  return require "nn.files.tree".decode(bytes, tensors, 0, "a worker's answer")[1]
end

-- ---- one task ---------------------------------------------------------------------------------

-- A seed for task i, from the experiment's.
local function seed_of(seed, i)
  local z = (seed + i * 0x9e3779b97f4a7c15) & math.maxinteger
  z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
  return (z ~ (z >> 27)) >> 11
end
workers.seed_of = seed_of

-- The seed of an experiment: the one given, or nn.seed's, without drawing from any stream.
function workers.base_seed(given)
  return given or core.rng_state().seed
end

-- While a task runs nn.evaluate refuses held-out data (`core.choosing` names the experiment).
local function guarded(name, f, ...)
  local before = core.choosing
  core.choosing = name
  local _ <close> = util.finally(function() core.choosing = before end)
  return f(...)
end
workers.guarded = guarded

-- Everything as it was: random streams, threads, what may print.
function workers.aside()
  local threads, state, options = core.threads(), streams.state(), require "nn".options
  local quiet = options.quiet
  return util.finally(function()
    core.threads(threads)
    streams.set(state)
    options.quiet = quiet
  end)
end

local function task(name, f, i, seed)
  core.seed(seed_of(seed, i))
  require "nn".options.quiet = true
  return guarded(name, f, i)
end

local function message(err)
  if type(err) == "string" then return err end
  local meta = type(err) == "table" and getmetatable(err)
  return meta and meta.__tostring and tostring(err) or "an error that is " .. util.describe(err)
end

local function here(name, f, i, seed)
  local _ <close> = workers.aside()
  core.threads(1)
  local ok, value = pcall(task, name, f, i, seed)
  if core.interrupts and core.interrupts.pending() then error(value, 0) end
  if ok then return {value = value} end
  return {error = message(value)}
end

local function start(name, f, i, seed, memory)
  return core.workers.start(function()
    local ok, bytes = pcall(function() return encode(task(name, f, i, seed)) end)
    if ok then return bytes end
    error(message(bytes), 0)
  end, memory)
end

local function result_of(worker)
  local ok, text = worker:result()
  if ok then return {value = decode(text)} end
  return {error = text}
end

-- ---- all of them ------------------------------------------------------------------------------

local function in_order(count, o, name, f, seed)
  for i = 1, count do o.done(i, here(name, f, i, seed)) end
end

-- Where no process can be started for now, those that run may end and make room.
local function try_start(running, ...)
  local ok, worker = pcall(start, ...)
  if ok then return worker end
  if #running == 0 or tostring(worker):find "interrupted" then error(worker, 0) end
end

local function shared(count, o, name, f, seed)
  local running, numbers, results, begun, told = {}, {}, {}, 0, 0
  local _ <close> = util.finally(function()
    for _, worker in ipairs(running) do worker:stop() end
  end)
  local show <close> = progress.tasks(name, count)
  local memory = core.memory()
  memory = (memory.limit - memory.live) // o.workers
  while told < count do
    while begun < count and #running < o.workers and begun - told < (o.after or math.huge) do
      local worker = try_start(running, name, f, begun + 1, seed, memory)
      if not worker then break end
      begun = begun + 1
      running[#running + 1], numbers[worker] = worker, begun
    end
    local place = core.workers.wait(running)
    local worker = table.remove(running, place)
    results[numbers[worker]] = result_of(worker)
    while results[told + 1] do
      told = told + 1
      o.done(told, results[told])
      results[told] = nil
      show:step(told, o.note and o.note())
    end
  end
end

function workers.run(name, count, f, o)
  local seed = workers.base_seed(o.seed)
  if o.workers == 0 then in_order(count, o, name, f, seed) else shared(count, o, name, f, seed) end
end

-- The same for f whose answers are wanted as a list; a failed task ends it with an error.
function workers.map(name, count, f, o, what)
  local list = {}
  workers.run(name, count, f, {
    workers = o.workers, seed = o.seed,
    done = function(i, result)
      if result.error then raise("%s: %s: %s", name, what(i), result.error) end
      list[i] = result.value
    end,
  })
  return list
end

-- The option `workers`: as many as there are threads.
function workers.count(given)
  return given or core.threads()
end

return workers
