-- files/registry.lua: what a .nn file can hold besides tables, tensors and modules.
--
-- A type of ours adds itself with one line in its own file and one in `homes` below:
--
--   registry.add("Standardize", meta, save, load)
--
--   meta    the metatable by which its objects are known
--   save    function(object): a value that .nn files can hold (tables, tensors, other objects ...),
--           all that it takes to make the object again. What is shared stays shared: an optimizer
--           saved beside its model has the same parameters when both are loaded.
--   load    function(state): the object. `state` comes from a file that a stranger may have
--           written: check every field (util.options, dataset.check ...) and raise where it is
--           wrong. Nothing from it may be called, evaluated, or used as the name of a file or of a
--           field to call.
--
-- Objects that may contain themselves take two steps: save returns a second value, the body, and
-- fill(object, body) as fifth argument of add completes what load(state) made.
local registry = {}

-- The closed table of types: in a file a type is named by its key; the module that adds it is
-- loaded when a file with one is.
local homes = {
  Chain = "nn.data.features", MinMax = "nn.data.scalers", OneHot = "nn.data.features",
  Polynomial = "nn.data.features", Standardize = "nn.data.scalers", Whiten = "nn.data.scalers",
  dataset = "nn.data.dataset",
  history = "nn.history",
  schedule = "nn.schedule",
}

local by_name, by_meta = {}, {}

function registry.add(name, meta, save, load, fill)
  local entry = {name = name, save = save, load = load, fill = fill}
  by_name[name], by_meta[meta] = entry, entry
end

-- The entry for objects of that metatable, or nil.
function registry.of(meta)
  return by_meta[meta]
end

-- The entry of that name, or nil.
function registry.find(name)
  if not by_name[name] and homes[name] then require(homes[name]) end
  return by_name[name]
end

return registry
