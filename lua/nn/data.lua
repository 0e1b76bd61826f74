-- data.lua: nn.data, the sources of datasets and the transforms of them. Each is loaded when it is
-- first named.

-- Where a name comes from: the file in nn/data that holds it.
local sources = {
  Chain = "features",
  MinMax = "scalers",
  OneHot = "features",
  Polynomial = "features",
  Standardize = "scalers",
  Whiten = "scalers",
  blobs = "generate",
  cifar10 = "images",
  circles = "generate",
  csv = "csv",
  digits = "builtin",
  from = "from",
  idx = "idx",
  images = "images",
  iris = "builtin",
  is_dataset = "dataset",
  is_stream = "stream",
  line = "builtin",
  mnist = "idx",
  moons = "generate",
  overfit = "builtin",
  polynomial = "generate",
  regression = "generate",
  spirals = "generate",
  stream = "stream",
  tensors = "tensors",
  xor = "generate",
}

return setmetatable({}, {names = sources, __index = function(self, name)
  local file = sources[name]
  if not file then return nil end
  local value = require("nn.data." .. file)[name]
  rawset(self, name, value)
  return value
end})
