-- images.lua: nn.data.images and nn.data.cifar10, datasets of pictures.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local util = require "nn.util"

local raise = util.raise
local images = {}

local function check_folder(folder, owner)
  if type(folder) ~= "string" then
    raise("%s: the folder must be a path, got %s", owner, util.describe(folder))
  end
end

local function check_dtype(owner, dtype)
  if dtype ~= "float32" and dtype ~= "float64" then
    raise("%s: option 'dtype' must be \"float32\" or \"float64\", got %q", owner, dtype)
  end
end

-- {32, 48}, or 32 for a square, as two numbers; 0, 0 where nothing is asked.
local function read_size(size)
  if size == nil then return 0, 0 end
  local h, w = size, size
  if type(size) == "table" then h, w = size[1], size[2] end
  h, w = math.tointeger(tonumber(h) or 0.5), math.tointeger(tonumber(w) or 0.5)
  if not h or not w or h < 1 or w < 1 or h > 32768 or w > 32768 then
    raise("images: option 'size' must be {height, width} or one number for both, from 1 to 32768, "
      .. "got %s", type(size) == "table" and "another table" or util.describe(size))
  end
  return h, w
end

local endings = {png = true, jpg = true, jpeg = true}

-- The pictures of a folder, in the order of their names.
local function pictures(folder)
  local _, files = core.source.list(folder)
  local list = {}
  for _, name in ipairs(files) do
    local ending = name:match "%.(%a+)$"
    if ending and endings[ending:lower()] then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

--- nn.data.images(folder, {size, gray, dtype = "float32"}) -> dataset
--- Reads a folder that has a subfolder for each class, with PNG and JPEG files in it (.png, .jpg,
--- .jpeg; other files and names that begin with a dot are passed over). The subfolders' names,
--- sorted, are the classes; the pictures come class by class, sorted by name. x is N x C x H x W in
--- 0..1: C is 1 where all pictures are grey and 3 where all are in colour; `gray = true` or false
--- makes them all so. All must have the same size, unless `size = {height, width}` (or one number)
--- resamples them: bilinear, averaging where they shrink. 16 bits a channel are rounded to 8,
--- transparency is left out, EXIF rotation is not applied. A damaged file is an error that names
--- it.
--- Example:
---   local ok, message = pcall(nn.data.images, "pictures", {size = 32, gray = true})
---   print(ok, message) -- false, and that there is no such folder
function images.images(folder, options)
  local o = util.options("images", options, {size = {"any"}, gray = {"boolean"},
    dtype = {"string", "float32"}})
  check_folder(folder, "images")
  check_dtype("images", o.dtype)
  local height, width = read_size(o.size)
  local classes = core.source.list(folder)
  table.sort(classes)
  if #classes == 0 then raise("images: %s has no subfolders; each class wants one", folder) end
  local paths, labels = {}, {}
  for label, class in ipairs(classes) do
    local inner = folder .. "/" .. class
    local list = pictures(inner)
    if #list == 0 then raise("images: %s has no pictures (.png, .jpg, .jpeg)", inner) end
    for _, name in ipairs(list) do
      paths[#paths + 1], labels[#labels + 1] = inner .. "/" .. name, label
    end
  end
  local channels = o.gray == nil and 0 or o.gray and 1 or 3
  return dataset.new {
    x = core.source.images(paths, height, width, channels, o.dtype),
    y = core.tensor(labels, {dtype = "int64"}), classes = classes,
  }
end

-- ---- CIFAR-10 ---------------------------------------------------------------------------------

local cifar_classes = {
  "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
}

local function cifar(folder, names, dtype)
  local paths, classes = {}, {}
  for i, name in ipairs(names) do
    paths[i] = folder .. "/" .. name
    local f = io.open(paths[i], "rb")
    if not f then
      raise("cifar10: there is no %s in %s; the binary version's files are data_batch_1.bin to "
        .. "data_batch_5.bin and test_batch.bin", name, folder)
    end
    f:close()
  end
  for i, class in ipairs(cifar_classes) do classes[i] = class end
  local x, y = core.source.cifar(paths, dtype)
  return dataset.new {x = x, y = y, classes = classes}
end

--- nn.data.cifar10(folder, {dtype = "float32"}) -> train, test
--- Reads the binary version of CIFAR-10 from the folder that holds `data_batch_1.bin` to
--- `data_batch_5.bin` and `test_batch.bin`. x is N x 3 x 32 x 32 in 0..1 (red, green, blue), y
--- labels with the classes "airplane" to "truck". The second dataset is held out: nn.fit refuses
--- it.
--- Example:
---   local ok, train, test = pcall(nn.data.cifar10, "cifar-10-batches-bin")
---   if ok then print(train, test) else print(train) end
function images.cifar10(folder, options)
  local o = util.options("cifar10", options, {dtype = {"string", "float32"}})
  check_folder(folder, "cifar10")
  check_dtype("cifar10", o.dtype)
  local names = {}
  for i = 1, 5 do names[i] = ("data_batch_%d.bin"):format(i) end
  local train = cifar(folder, names, o.dtype)
  local test = cifar(folder, {"test_batch.bin"}, o.dtype)
  test.held_out = true
  return train, test
end

return images
