-- files.lua: nn.save and nn.load: the format is chosen by the path's extension.
local core = require "nn.core"
local util = require "nn.util"

local raise, files, kind_of = util.raise, core.files, core.kind
local M, formats = {}, {}

-- ---- .nn --------------------------------------------------------------------------------------

formats.nn = {
  save = function(path, value, options)
    util.options("save", options, {})
    local tree = require "nn.files.tree"
    files.write_nn(path, tree.encode(value))
  end,
  load = function(path, options)
    util.options("load", options, {})
    local bytes, tensors, at = files.read_nn(path)
    return require "nn.files.tree".decode(bytes, tensors, at, path)
  end,
}

-- ---- .npy -------------------------------------------------------------------------------------

formats.npy = {
  save = function(path, value, options)
    util.options("save", options, {})
    if kind_of(value) ~= "tensor" then
      raise("save: a .npy file holds one tensor, got %s; .npz and .nn hold more",
        util.describe(value))
    end
    files.write_npy(path, value)
  end,
  load = function(path, options)
    util.options("load", options, {})
    return files.read_npy(path)
  end,
}

-- ---- archives of named tensors ----------------------------------------------------------------

-- A model's state, or a table of tensors by name: sorted names and the tensors. In a list the names
-- are NumPy's: arr_0, arr_1, ...
local function named_tensors(value, extension)
  if require "nn.module".is_module(value) then value = value:state() end
  if type(value) ~= "table" or getmetatable(value) then
    raise("save: a %s file holds a model's tensors or a table of tensors by name, got %s",
      extension, util.describe(value))
  end
  local names, tensors = {}, {}
  for i, key in ipairs(util.sorted_keys(value)) do
    local t, name = value[key], key
    if math.type(key) == "integer" and key >= 1 and key <= #value then
      name = "arr_" .. key - 1
      if value[name] ~= nil then raise("save: %s would be there twice", name) end
    elseif type(key) ~= "string" or key == "" or key:find "\0" then
      raise("save: the name of a tensor must be a text, got %s", util.describe(key))
    end
    if kind_of(t) ~= "tensor" then
      raise("save: %s: must be a tensor, got %s; .nn files hold any value", name, util.describe(t))
    end
    names[i], tensors[i] = name, t
  end
  return names, tensors
end

formats.npz = {
  save = function(path, value, options)
    util.options("save", options, {})
    local names, tensors = named_tensors(value, ".npz")
    for _, name in ipairs(names) do
      if name:find "^/" or name:find "\\" or ("/" .. name .. "/"):find("/../", 1, true) then
        raise("save: in a .npz file the name %q looks like a path that leads elsewhere", name)
      end
    end
    files.write_npz(path, names, tensors, {}, {})
  end,
  load = function(path, options)
    util.options("load", options, {})
    return (files.read_npz(path))
  end,
}

formats.safetensors = {
  save = function(path, value, options)
    local o = util.options("save", options, {metadata = {"table", {}}})
    local names, tensors = named_tensors(value, ".safetensors")
    local keys, texts = util.sorted_keys(o.metadata), {}
    for i, key in ipairs(keys) do
      texts[i] = o.metadata[key]
      if type(key) ~= "string" or type(texts[i]) ~= "string" or (key .. texts[i]):find "\0" then
        raise("save: metadata are texts by name, got %s = %s", tostring(key),
          util.describe(texts[i]))
      end
    end
    for _, name in ipairs(names) do
      if name == "__metadata__" then raise("save: a tensor cannot be called __metadata__") end
    end
    files.write_safetensors(path, names, tensors, keys, texts)
  end,
  load = function(path, options)
    util.options("load", options, {})
    return files.read_safetensors(path)
  end,
}

-- ---- .csv -------------------------------------------------------------------------------------

local function csv_field(v)
  if v == nil then return "" end
  if v ~= v then return "nan" end
  if math.type(v) == "float" then return (("%.17g"):format(v):gsub(",", ".")) end
  local text = tostring(v)
  return text:find '[,"\n\r]' and '"' .. text:gsub('"', '""') .. '"' or text
end
local function csv_line(list, n)
  local fields = {}
  for i = 1, n or #list do fields[i] = csv_field(list[i]) end
  return table.concat(fields, ",") .. "\n"
end

-- The names of `count` columns: those given, or x1, x2, ... (x alone for one).
local function column_names(names, count, letter)
  if names and #names ~= count then
    raise("save: %d names for %d columns", #names, count)
  end
  if names then return names end
  names = {}
  for i = 1, count do names[i] = count > 1 and letter .. i or letter end
  return names
end

local function columns_of(t) return t:dim() == 2 and t:size(2) or 1 end

local function save_tensor(path, t, names)
  if t:dim() < 1 or t:dim() > 2 then
    raise("save: a .csv file holds a tensor of one or two dimensions, got %s", util.describe(t))
  end
  files.write_csv(path, csv_line(column_names(names, columns_of(t), "x")), {t})
end

-- The features, then the targets, or the label's name.
local function save_dataset(path, ds, names)
  local x, y, classes = ds.x, ds.y, ds.classes
  x = x:dim() > 2 and x:reshape(x:size(1), -1) or x
  local labels = classes and {} or nil
  for i, name in ipairs(classes or {}) do labels[i] = csv_field(name) end
  local header = {table.unpack(column_names(names or ds.feature_names, columns_of(x), "x"))}
  for _, name in ipairs(column_names(nil, columns_of(y), "y")) do header[#header + 1] = name end
  files.write_csv(path, csv_line(header), {x, y}, labels)
end

-- A list of tables with the same fields, such as results of experiments.
local function save_records(path, list, names)
  local known = {}
  for i, record in ipairs(list) do
    if type(record) ~= "table" then
      raise("save: row %d must be a table of named fields, got %s", i, util.describe(record))
    end
    for name, v in pairs(record) do
      local what = type(v)
      local plain = what == "string" or what == "number" or what == "boolean"
      if type(name) ~= "string" or not plain then
        raise("save: row %d: a field has a name and holds a text, number or boolean, got %s = %s",
          i, tostring(name), util.describe(v))
      end
      known[name] = true
    end
  end
  names = names or list.columns or util.sorted_keys(known)
  local lines = {csv_line(names)}
  for i, record in ipairs(list) do
    local row = {}
    for c, name in ipairs(names) do row[c] = record[name] end
    lines[i + 1] = csv_line(row, #names)
  end
  files.write(path, table.concat(lines))
end

formats.csv = {
  save = function(path, value, options)
    local names = util.options("save", options, {columns = {"table"}}).columns
    if kind_of(value) == "tensor" then return save_tensor(path, value, names) end
    if require "nn.data.dataset".is_dataset(value) then return save_dataset(path, value, names) end
    local history = type(value) == "table" and (getmetatable(value) or {}).__name == "history"
    if type(value) == "table" and #value > 0 and (history or not getmetatable(value)) then
      return save_records(path, value, names)
    end
    raise("save: a .csv file holds a tensor, a dataset or a list of tables with the same fields, "
      .. "got %s", util.describe(value))
  end,
  load = function(path, options)
    local all = {target = false, nonfinite = true, dtype = core.zeros(0):dtype()}
    local ds = require "nn.data".csv(path, options or all)
    if options then return ds end
    return ds.x, ds.feature_names
  end,
}

-- ---- the two functions ------------------------------------------------------------------------

-- Formats of others that run what is in them, and the way out.
local tensors = "safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")"
local arrays = "numpy.savez(\"data.npz\", x=x, y=y)"
local foreign = {
  pt = tensors, pth = tensors, ckpt = tensors, bin = tensors, pkl = arrays, pickle = arrays,
  joblib = arrays,
}

local function format_of(owner, path)
  if type(path) ~= "string" then
    raise("%s: the path must be a string, got %s", owner, util.describe(path))
  end
  local extension = path:match "%.([%w]+)$"
  local format = extension and formats[extension:lower()]
  if format then return format end
  if owner == "load" and extension and foreign[extension:lower()] then
    raise("load: %q: .%s files can hold code, so they are not read; %s in Python writes one that "
      .. "is", path, extension, foreign[extension:lower()])
  end
  local names = {}
  for _, name in ipairs(util.sorted_keys(formats)) do names[#names + 1] = "." .. name end
  raise("%s: %q: the extension says what a file is, and must be one of %s", owner, path,
    table.concat(names, ", "))
end

-- Paths that this process has written, and cleaned of what crashes before it had left there.
local swept = {}

--- nn.save(path, value, {metadata, columns})
--- Writes a value into a file whose format the path's extension chooses. The file is there as a
--- whole or not at all: a crash leaves the old one or the new one, and perhaps a hidden temporary
--- file beside it, which the next program that saves to that path removes.
---
--- `.nn`: any tree of tables (keys: strings, numbers, booleans), strings, numbers, booleans,
--- tensors, models, losses, optimizers, schedules, datasets and transforms. What is shared stays
--- shared: tied weights, an optimizer and the model beside it, cycles. Views become tensors of
--- their own. A function cannot be saved, nor what holds one: the error names its path in the tree.
---
--- `.npy`: one tensor. `.npz`: a table of tensors by name, or a model's state; a list's names are
--- arr_0, arr_1, ... `.safetensors`: the same; `metadata` is a table of texts by name that goes
--- beside them.
---
--- `.csv`: a tensor of one or two dimensions, a dataset, or a list of tables with the same fields,
--- below a line of names (`columns`: the names; without it feature_names, x1, x2, ..., or the
--- fields, sorted). Numbers read back as they were: 9 digits for float32, 17 for float64.
--- Example:
---   local name = os.tmpname()
---   local path = name .. ".nn"
---   local model = nn.Sequential{nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)}
---   nn.save(path, {model = model, classes = {"a", "b", "c"}})
---   local saved = nn.load(path)
---   assert(nn.equal(saved.model[1].weight, model[1].weight) and saved.classes[2] == "b")
---   os.remove(path)
---   os.remove(name)
function M.save(path, value, options)
  local format = format_of("save", path)
  if not swept[path] then core.sweep(path) end
  swept[path] = true
  format.save(path, value, options)
end

--- nn.load(path, options) -> value
--- Reads a file that nn.save, NumPy or a safetensors writer wrote; the path's extension says which.
---
--- `.nn`: the value. A class of the script's own is found by its name, so it must be defined
--- before. `.npy`: a tensor. `.npz`: a table of tensors by name. `.safetensors`: a table of tensors
--- by name, and the metadata, a table of texts, as second result; `model:load_state(nn.load(path))`
--- puts them into a model. `.csv`: a tensor of N x columns and the list of their names; with a
--- table of options what nn.data.csv makes of them, a dataset.
---
--- Elements of other types become the nearest that there is: float16 and bfloat16 float32, bool
--- uint8, integers int64. Files from strangers are safe to load: nothing in them is run, sizes are
--- checked before memory is taken, and a malformed file is an error that says what is wrong and at
--- which byte.
--- Example:
---   local name = os.tmpname()
---   local path = name .. ".npy"
---   nn.save(path, nn.range(1, 6):view(2, 3))
---   assert(nn.load(path)[2][3] == 6)
---   os.remove(path)
---   os.remove(name)
function M.load(path, options)
  return format_of("load", path).load(path, options)
end

return M
