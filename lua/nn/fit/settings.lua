-- fit/settings.lua: what makes a fit that fit, as texts by name: a checkpoint holds them, and goes
-- on only where they are the same. Beside them the conditions under which the bits are the same.
local core = require "nn.core"
local module = require "nn.module"
local stream = require "nn.data.stream"
local util = require "nn.util"

local kind_of = core.kind
local settings = {}

local function text_of(v)
  if type(v) ~= "table" or getmetatable(v) then
    return type(v) == "string" and ("%q"):format(v) or type(v) == "function" and "a function"
      or tostring(v)
  end
  local words = {}
  for _, key in ipairs(util.sorted_keys(v)) do
    words[#words + 1] = type(key) == "number" and text_of(v[key])
      or ("%s = %s"):format(key, text_of(v[key]))
  end
  return "{" .. table.concat(words, ", ") .. "}"
end

local function optimizer_text(optimizer)
  if kind_of(optimizer) ~= "optimizer" then return "a script's own" end
  local texts = {}
  for g, group in ipairs(optimizer:groups()) do
    local options = {}
    for name, value in pairs(group) do
      if name ~= "params" then options[name] = value end
    end
    texts[g] = ("%d tensors %s"):format(#group.params, text_of(options))
  end
  return optimizer:_class() .. " of " .. table.concat(texts, "; ")
end

local function loss_text(loss)
  return kind_of(loss) == "loss" and tostring(loss) or "a function"
end

-- The names and shapes of the tensors.
local function model_text(model)
  local words = {module.class_name(model)}
  module.each_tensor(model, function(entry, name)
    words[#words + 1] = ("%s %s %s"):format(name, entry.tensor:dtype(), util.shape(entry.tensor))
  end)
  return table.concat(words, ", ")
end

local function data_text(ds)
  if not ds then return "none" end
  if stream.is_stream(ds) then return tostring(ds) end
  return ("x %s %s, y %s %s%s%s"):format(ds.x:dtype(), util.shape(ds.x), ds.y:dtype(),
    util.shape(ds.y), ds.weight and ", weighted" or "",
    ds.augmentation and ", augmented " .. text_of(ds.augmentation) or "")
end

local function list_text(list, each)
  local words = {}
  for i, v in ipairs(list) do words[i] = each(v) end
  return #words > 0 and table.concat(words, ", ") or "none"
end

-- Taken before the first step: learning rates move.
function settings.of(run)
  local layers = tostring(run.model):gsub("0x%x+", "") -- no addresses
  return {
    model = model_text(run.model), layers = layers, loss = loss_text(run.loss),
    optimizer = optimizer_text(run.optimizer), batch_size = tostring(run.size),
    shuffle = tostring(run.shuffle), accumulate = tostring(run.accumulate), l1 = tostring(run.l1),
    l2 = tostring(run.l2), clip_norm = tostring(run.clip_norm or "none"),
    clip_value = tostring(run.clip_value or "none"),
    schedule = list_text(run.schedules, tostring),
    metrics = list_text(run.metrics, function(metric) return metric.name end),
    callbacks = list_text(run.plan.list, function(entry)
      local meta = getmetatable(entry.callback)
      return type(meta) == "table" and meta.__tostring and tostring(entry.callback) or entry.name
    end),
    ["the training data"] = data_text(run.train), validation = data_text(run.validation),
    seed = tostring(core.rng_state().seed),
  }
end

-- A list of lines, one for each that is not what it was.
function settings.differences(now, before)
  local lines = {}
  for _, name in ipairs(util.sorted_keys(now)) do
    if now[name] ~= before[name] then
      lines[#lines + 1] = ("%s: %s, in the checkpoint %s"):format(name, now[name],
        tostring(before[name]))
    end
  end
  return lines
end

-- ---- the conditions ---------------------------------------------------------------------------

local function fingerprint(ds)
  if stream.is_stream(ds) then return stream.fingerprint(ds) end
  local words = {}
  for _, part in ipairs {"x", "y", "weight"} do
    local t = ds[part]
    words[#words + 1] = t and core.fingerprint(t:detach():contiguous())
  end
  return table.concat(words, " ")
end

-- The text of the script that runs, if it is a file.
local function script_text()
  local path = type(arg) == "table" and arg[0]
  local file = type(path) == "string" and io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

function settings.conditions(run)
  local version, script = core.version(), script_text()
  return {
    nnlua = version.nnlua, blas = version.blas, threads = version.threads,
    ["the training data"] = fingerprint(run.train),
    validation = run.validation and fingerprint(run.validation) or "none",
    ["the script"] = script and core.fingerprint(script) or "none",
  }
end

return settings
