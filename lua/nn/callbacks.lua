-- callbacks.lua: what runs beside nn.fit: tables with functions for the moments of a fit.
--
--   on_fit_begin     before the first epoch; state.epoch is 0, or the epochs that are behind a fit
--                    which goes on from a checkpoint
--   on_epoch_begin   on_batch_end     on_epoch_end (state.record is the epoch's)     on_fit_end
--
-- Each is called with the state, in the order of the list; what is written as a method, with `self`
-- or a second parameter, as callback:moment(state). What a callback has to know again when a fit
-- goes on, it gives in its method `state`, a table of plain values and tensors, and takes back in
-- `load_state(saved)`, which comes after on_fit_begin. For fit:
--
--   plan = callbacks.prepare(o.callbacks)     callbacks.fire(plan, "on_epoch_end", state)
--   saved = callbacks.states(plan)            callbacks.load_states(plan, saved)
local util = require "nn.util"

local raise = util.raise
local callbacks = {}

-- The moments, in the order in which they come.
local moments = {"on_fit_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_fit_end"}

-- What to call the i-th of the list: its class, the field `name`, or "callback 2".
local function name_of(callback, i)
  local meta = getmetatable(callback)
  local name = type(meta) == "table" and rawget(meta, "__name") or rawget(callback, "name")
  return type(name) == "string" and name or "callback " .. i
end

local function is_callable(f)
  local meta = getmetatable(f)
  return type(f) == "function" or (type(meta) == "table" and meta.__call ~= nil)
end

-- Whether it has something to remember; a field `state` alone is the script's own affair.
local function is_stateful(callback)
  return is_callable(callback.state) and is_callable(callback.load_state)
end

local function check(callback, i)
  local known = {}
  for _, moment in ipairs(moments) do known[moment] = true end
  for _, key in ipairs(util.sorted_keys(callback)) do
    if type(key) == "string" and key:sub(1, 3) == "on_" and not known[key] then
      util.unknown(("fit: callback %d"):format(i), "moment", key, moments)
    end
  end
  for _, moment in ipairs(moments) do
    if callback[moment] ~= nil and not is_callable(callback[moment]) then
      raise("fit: %s: %s must be a function, got %s", name_of(callback, i), moment,
        util.describe(callback[moment]))
    end
  end
  if callback.load_state and not is_callable(callback.state) then
    raise("fit: %s: load_state takes back what state gives, and there is no function state",
      name_of(callback, i))
  end
end

-- Ours add no column and print nothing; of a script's own one cannot know.
local ours = {CSVLog = true, Checkpoint = true, EarlyStopping = true, TensorBoard = true}
function callbacks.is_ours(entry)
  return ours[entry.name] == true
end

-- Whether f was written as `on_epoch_end = function(state)`, rather than as a method, like
-- `function callback:on_epoch_end(state)`.
local function is_plain(f)
  return type(f) == "function" and debug.getinfo(f, "u").nparams < 2
    and debug.getlocal(f, 1) ~= "self"
end

-- Sorts the callbacks by moment: moment -> list of {callback, name} that want it; `list` has all,
-- `may_print` says whether a script's own is among those of on_epoch_end.
function callbacks.prepare(given)
  local plan = {list = {}}
  for _, moment in ipairs(moments) do plan[moment] = {} end
  if given == nil then return plan end
  if type(given) ~= "table" or getmetatable(given) then
    raise("fit: callbacks are a list of tables, got %s", util.describe(given))
  end
  for i = 1, #given do
    local callback = given[i]
    if type(callback) ~= "table" then
      raise("fit: callback %d must be a table with functions such as on_epoch_end, got %s", i,
        util.describe(callback))
    end
    check(callback, i)
    local entry = {callback = callback, name = name_of(callback, i), plain = {}}
    plan.list[i] = entry
    for _, moment in ipairs(moments) do
      if callback[moment] then
        table.insert(plan[moment], entry)
        entry.plain[moment] = is_plain(callback[moment])
      end
    end
    if callback.on_epoch_end and not callbacks.is_ours(entry) then plan.may_print = true end
  end
  for _, key in ipairs(util.sorted_keys(given)) do
    if type(key) ~= "number" then
      raise("fit: callbacks are a list of tables; put { } around the one with '%s'", tostring(key))
    end
  end
  return plan
end

-- Whether the messages of others than ours are to say whose they are: "script.lua:3: callback 2
-- (on_batch_end): ...". Ctrl-C stays what it is.
local function labelled(err, name, what)
  if type(err) ~= "string" or err:find "^interrupted" or err:find(name .. ":", 1, true) then
    return err
  end
  local place, text = err:match "^([^\n]-:%d+: )(.*)$"
  return ("%s%s (%s): %s"):format(place or "", name, what, text or err)
end

local function call(entry, what, ...)
  local ok, result
  if entry.plain[what] then
    ok, result = pcall(entry.callback[what], ...)
  else
    ok, result = pcall(entry.callback[what], entry.callback, ...)
  end
  if not ok then error(labelled(result, entry.name, what), 0) end
  return result
end

function callbacks.fire(plan, moment, state)
  local entries = plan[moment]
  if #entries == 0 then return end
  state.callbacks = plan.list
  for i = 1, #entries do call(entries[i], moment, state) end
end

-- A list of {name, state} of those that have one, to be saved.
function callbacks.states(plan)
  local list = {}
  for _, entry in ipairs(plan.list) do
    if is_stateful(entry.callback) then
      local state = call(entry, "state")
      if type(state) ~= "table" then
        raise("fit: %s: state must return a table, got %s", entry.name, util.describe(state))
      end
      list[#list + 1] = {name = entry.name, state = state}
    end
  end
  return list
end

-- Gives the states back, after on_fit_begin. The callbacks must be those that were saved.
function callbacks.load_states(plan, saved)
  local entries, before, now = {}, {}, {}
  for _, entry in ipairs(plan.list) do
    if is_stateful(entry.callback) then
      entries[#entries + 1], now[#now + 1] = entry, entry.name
    end
  end
  for i, one in ipairs(saved) do before[i] = one.name end
  if table.concat(before, "\0") ~= table.concat(now, "\0") then
    raise("fit: the checkpoint was made with the callbacks %s, now there are %s",
      #before > 0 and table.concat(before, ", ") or "(none)",
      #now > 0 and table.concat(now, ", ") or "(none)")
  end
  for i, entry in ipairs(entries) do call(entry, "load_state", saved[i].state) end
end

return callbacks
