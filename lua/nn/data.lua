-- data.lua: nn.data, the sources of datasets and the transforms of them. Each is loaded when it is
-- first named.

-- Where a name comes from: the file in nn/data that holds it.
local sources = {
  Standardize = "standardize",
  cifar10 = "images",
  csv = "csv",
  digits = "builtin",
  idx = "idx",
  images = "images",
  is_dataset = "dataset",
  is_stream = "stream",
  line = "builtin",
  mnist = "idx",
  stream = "stream",
  tensors = "tensors",
}

return setmetatable({}, {names = sources, __index = function(self, name)
  local file = sources[name]
  if not file then return nil end
  local value = require("nn.data." .. file)[name]
  rawset(self, name, value)
  return value
end})
