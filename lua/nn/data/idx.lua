-- idx.lua: nn.data.idx and nn.data.mnist, datasets from IDX files.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local util = require "nn.util"

local raise = util.raise
local idx = {}

-- The classes' names: those given, or the numbers in the file, which count from 0.
function idx.names_of(given, most)
  if given then return given end
  local names = {}
  for label = 1, most do names[label] = tostring(label - 1) end
  return names
end

-- N x H x W are images of one channel; N numbers are N x 1; else what the file says.
function idx.as_samples(t)
  local size = t:size()
  if #size == 1 then return t:view(size[1], 1) end
  if #size == 3 then return t:view(size[1], 1, size[2], size[3]) end
  return t
end

local function check_path(v, what, owner)
  if type(v) ~= "string" then
    raise("%s: %s must be a path, got %s", owner, what, util.describe(v))
  end
end

local function load(images, labels, o)
  local size = core.source.idx_info(images)
  local label_size, floating = core.source.idx_info(labels)
  if size[1] ~= label_size[1] then
    raise("idx: %s has %d samples, but %s has %d labels", images, size[1], labels, label_size[1])
  end
  local fields = {}
  if floating then
    if o.classes then raise("idx: 'classes' names labels, but %s holds floats", labels) end
    fields.y = idx.as_samples(core.source.idx(labels, o.dtype))
  else
    local most
    fields.y, most = core.source.idx_labels(labels, o.classes and #o.classes or 0)
    fields.classes = idx.names_of(o.classes, most)
  end
  fields.x = idx.as_samples(core.source.idx(images, o.dtype))
  return dataset.new(fields)
end

local function check_options(owner, options)
  local o = util.options(owner, options, {classes = {"table"}, dtype = {"string", "float32"}})
  if o.dtype ~= "float32" and o.dtype ~= "float64" then
    raise("%s: option 'dtype' must be \"float32\" or \"float64\", got %q", owner, o.dtype)
  end
  for i, name in ipairs(o.classes or {}) do
    if type(name) ~= "string" then
      raise("%s: 'classes' must be a list of names, got %s at [%d]", owner, util.describe(name), i)
    end
  end
  if o.classes and #o.classes == 0 then raise("%s: 'classes' must be a list of names", owner) end
  return o
end

--- nn.data.idx(images, labels, {classes, dtype = "float32"}) -> dataset
--- Reads a pair of IDX files, as they are or gzip-compressed. Unsigned bytes become x / 255, in
--- 0..1; other element types stay the numbers that they are. N x H x W becomes N x 1 x H x W.
--- Labels 0 to K-1 become 1 to K, named by `classes` (a list of K names; otherwise the numbers in
--- the file, as texts). A file of floats instead of labels gives targets. `dtype` is x's. A
--- malformed file is an error that names the file, the byte and what was expected there.
--- Example:
---   local function idx(magic, sizes, bytes)
---     local path = os.tmpname()
---     local f <close> = assert(io.open(path, "wb"))
---     f:write(string.pack(">I4" .. ("I4"):rep(#sizes), magic, table.unpack(sizes)), bytes)
---     return path
---   end
---   local images = idx(0x803, {2, 2, 2}, "\0\255\0\255\255\0\255\0")
---   local labels = idx(0x801, {2}, "\0\1")
---   local ds = nn.data.idx(images, labels, {classes = {"rising", "falling"}})
---   print(ds.x.shape[1], ds.classes[ds.y[2]])
---   os.remove(images) os.remove(labels)
function idx.idx(images, labels, options)
  local o = check_options("idx", options)
  check_path(images, "images", "idx")
  check_path(labels, "labels", "idx")
  return load(images, labels, o)
end

-- ---- MNIST and its kin ----------------------------------------------------------------------

local fashion = {
  "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
  "Ankle boot",
}
local fashion_begins = {10, 1, 1, 4, 1, 3, 8, 3, 6, 6}

-- Fashion-MNIST comes under MNIST's file names; its first training labels tell it.
local function is_fashion(train)
  if #train < #fashion_begins or #train.classes ~= 10 then return false end
  for row, label in ipairs(fashion_begins) do
    if train.y[row] ~= label then return false end
  end
  return true
end

-- The file of that kind: as published, as some programs unpack it, compressed or not.
local function find(folder, part, kind)
  local tried = {}
  for _, between in ipairs {"-", "."} do
    for _, ending in ipairs {"", ".gz"} do
      local name = part .. between .. kind .. "-ubyte" .. ending
      local f = io.open(folder .. "/" .. name, "rb")
      if f then
        f:close()
        return folder .. "/" .. name
      end
      tried[#tried + 1] = name
    end
  end
  raise("mnist: there is no %s in %s (nor %s)", tried[1], folder, table.concat(tried, ", ", 2))
end

local function part(folder, name, o)
  return load(find(folder, name .. "-images", "idx3"), find(folder, name .. "-labels", "idx1"), o)
end

--- nn.data.mnist(folder, {classes, dtype = "float32"}) -> train, test
--- Reads the four files of MNIST, or of a set in its form (Fashion-MNIST, KMNIST, EMNIST's digits),
--- from a folder: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`,
--- `t10k-labels-idx1-ubyte`, each with or without `.gz`. x is N x 1 x 28 x 28 in 0..1, y labels
--- with the classes "0" to "9", or Fashion-MNIST's names, which is recognised by its labels;
--- `classes` gives other names. The second dataset is held out: nn.fit refuses it.
--- Example:
---   local ok, train, test = pcall(nn.data.mnist, "../shared/data/mnist")
---   if ok then print(train, test) else print "put MNIST's four files there" end
function idx.mnist(folder, options)
  local o = check_options("mnist", options)
  check_path(folder, "the folder", "mnist")
  local train, test = part(folder, "train", o), part(folder, "t10k", o)
  if not o.classes and is_fashion(train) then train.classes = {table.unpack(fashion)} end
  if #test.classes > #train.classes then
    raise("mnist: the test labels go to %d, the training labels only to %d", #test.classes - 1,
      #train.classes - 1)
  end
  test.classes = {table.unpack(train.classes)}
  test.held_out = true
  return train, test
end

return idx
