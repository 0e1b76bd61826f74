-- .nn files: every kind of value comes back as it was; what cannot be saved is told by its place;
-- damaged and hostile files are errors that say where.
local core = require "nn.core"

local tools = dofile "spec/file_tools.lua"

local text = tools.text
local path, clean_up = tools.temporary ".nn"
local function read() return tools.read(path) end
local function write(bytes) tools.write(path, bytes) end
local function back(value)
  nn.save(path, value)
  return nn.load(path)
end

local function same_bits(a, b)
  return string.pack("<d", a) == string.pack("<d", b)
end

describe("a .nn file", function()
  teardown(clean_up)

  it("keeps numbers, texts and tables as they are", function()
    for _, v in ipairs {true, false, 0, 5, -1, math.mininteger, math.maxinteger, "", "text",
      "a\0b\xff\n", ("long"):rep(100000)} do
      assert.equal(v, back(v))
      assert.equal(math.type(v), math.type(back(v)))
    end
    for _, v in ipairs {0.0, -0.0, 0.1, 5.0, 1e308, 5e-324, math.huge, -math.huge, 0 / 0,
      -(0 / 0)} do
      assert.truthy(same_bits(v, back(v)))
      assert.equal("float", math.type(back(v)))
    end
    local t = {1, 2, "three", {4}, [7] = "hole", [-1] = 0, [2.5] = "half", [true] = 1, [false] = 2,
      name = {deep = {deeper = {}}}, [""] = "empty"}
    assert.same(t, back(t))
    assert.same({}, back {})
  end)

  it("keeps what is shared, and cycles", function()
    local shared, x = {1}, nn.ones(2)
    local t = {a = shared, b = shared, x = x, y = {x}}
    t.self = t
    shared.up = t
    local u = back(t)
    assert.truthy(u.a == u.b and u.self == u and u.a.up == u and u.x == u.y[1])
  end)

  it("keeps tensors of every dtype and shape", function()
    for _, x in ipairs {nn.randn(2, 3), nn.rand(2, 3, 4, {dtype = "float64"}), nn.tensor(2.5),
      nn.tensor({math.mininteger, math.maxinteger}, {dtype = "int64"}), nn.zeros(3, 0, 2),
      nn.tensor({0, 255}, {dtype = "uint8"}), nn.tensor {math.huge, -0.0}} do
      local y = back(x)
      assert.truthy(nn.equal(x, y))
      assert.equal(x:dtype(), y:dtype())
      assert.same(x:size(), y:size())
      assert.is_false(y.requires_grad)
    end
  end)

  it("makes views tensors of their own", function()
    local x = nn.rand(4, 5)
    local u = back {x:t(), x[{{2, 3}, {}}], x:select(2, 1), x}
    assert.truthy(nn.equal(u[1], x:t()) and nn.equal(u[2], x[{{2, 3}, {}}]))
    assert.truthy(u[1]:is_contiguous())
    u[1]:fill_(7)
    assert.truthy(nn.equal(u[4], x))
  end)

  it("keeps leaves and parameters, and results as numbers alone", function()
    local w = nn.ones(2, {requires_grad = true})
    local frozen = nn.Parameter(nn.ones(2), {requires_grad = false})
    local u = back {w = w, frozen = frozen, result = w * 3}
    assert.is_true(u.w.requires_grad)
    assert.is_false(u.frozen.requires_grad)
    assert.is_false(u.result.requires_grad)
    assert.same({3, 3}, u.result:totable())
    assert.equal(0, nn.memory().nodes or 0)
  end)

  it("gives the same bytes for the same value", function()
    local function make()
      local t = {}
      for _, key in ipairs {"z", "a", "m", 5, 2.5, true, "b"} do t[key] = key end
      t.x = nn.range(1, 4)
      return t
    end
    nn.save(path, make())
    local first = read()
    for _ = 1, 5 do
      nn.save(path, make())
      assert.equal(first, read())
    end
  end)

  it("says by its place what cannot be saved, and leaves the old file", function()
    local function f(x) return x end
    local nameless = nn.Module:extend()
    local function says(want, value)
      assert.equal("save: " .. want, text(nn.save, path, value))
    end
    nn.save(path, "old")
    local code = ": a function cannot be saved, files hold no code; make it a method of a class of "
      .. 'your own, nn.Module:extend "Name"'
    says("model[2].f" .. code, nn.Sequential {nn.Linear(2, 2), nn.Lambda(f)})
    says("model[2].f" .. code, {model = nn.Sequential {nn.Linear(2, 2), nn.Lambda(f)}})
    says("model[1][1]" .. code, nn.Sequential {nn.Sequential {f}})
    says("[1].a.b" .. code, {{a = {b = print}}})
    says("op" .. code, {op = nn.func {forward = f, backward = f}})
    says('["odd key"][true][2.5]' .. code, {["odd key"] = {[true] = {[2.5] = f}}})
    says("model[1]: its class has no name by which it could be found again; give it one, "
      .. 'nn.Module:extend "Name"', nn.Sequential {nameless()})
    says("schedule.options.lr_lambda" .. code, {schedule = nn.schedule.Lambda(
      nn.optim.SGD({nn.ones(1, {requires_grad = true})}, {lr = 1}), {lr_lambda = f})})
    says("a table cannot be saved: only plain tables and objects of nn are", setmetatable({}, {}))
    says("x: a Thing cannot be saved: only plain tables and objects of nn are",
      {x = setmetatable({}, {__name = "Thing"})})
    says("x: a thread cannot be saved", {x = coroutine.create(f)})
    says("x: a FILE* cannot be saved", {x = io.stdout})
    says("a key of the table is a table; keys must be strings, numbers or booleans", {[{}] = 1})
    says("nil cannot be saved", nil)
    local deep = {}
    for _ = 1, 1100 do deep = {deep} end
    assert.matches("deeper than 1000 levels", text(nn.save, path, deep))
    assert.equal("old", nn.load(path))
    deep = {}
    for _ = 1, 990 do deep = {deep} end
    assert.same(deep, back(deep))
  end)

  it("is chosen by its extension", function()
    assert.equal('save: "weights": the extension says what a file is, and must be one of .csv, '
      .. ".nn, "
      .. ".npy, .npz, .safetensors", text(nn.save, "weights", {}))
    assert.equal('load: "a.pt": .pt files can hold code, so they are not read; safetensors.torch.'
      .. 'save_file(model.state_dict(), "model.safetensors") in Python writes one that is',
      text(nn.load, "a.pt"))
    assert.matches('load: "a.h5": the extension says', text(nn.load, "a.h5"))
    assert.equal("load: the path must be a string, got 5", text(nn.load, 5))
    assert.equal("save: the path has a NUL byte in it", text(nn.save, "a\0.nn", {}))
    assert.matches("there is no option 'x'", text(nn.save, path, {}, {x = 1}))
    assert.matches("No such file", text(nn.load, "/nowhere/a.nn"))
    assert.matches("not written: its folder cannot be opened: No such file",
      text(nn.save, "/nowhere/a.nn", {}))
  end)
end)

-- ---- objects ----------------------------------------------------------------------------------

-- A unit by the arguments that it must be given, all 4.
local function make(constructor, entry)
  local arguments = {}
  for _, p in ipairs(entry.params) do
    if p.needed then arguments[#arguments + 1] = 4 end
  end
  return constructor(table.unpack(arguments))
end

local function equal_state(a, b)
  local other = b:state()
  for name, t in pairs(a:state()) do
    assert.truthy(nn.equal(t, other[name]), name)
    other[name] = nil
  end
  assert.is_nil(next(other))
end

describe("in a .nn file", function()
  local catalogue = core.catalogue()

  it("every layer comes back", function()
    for _, entry in ipairs(catalogue.layers) do
      local m = make(nn[entry.name], entry):eval()
      local streams = core.rng_state()
      local u = back(m)
      assert.same(streams, core.rng_state())
      assert.equal(tostring(m), tostring(u))
      assert.is_false(u.training)
      assert.same({core.files.arguments(m)}, {core.files.arguments(u)})
      equal_state(m, u)
    end
  end)

  it("every loss comes back", function()
    for _, entry in ipairs(catalogue.losses) do
      local loss = nn[entry.name] {reduction = "sum"}
      assert.equal(tostring(loss), tostring(back(loss)))
    end
    local weight = {}
    for i = 1, 20 do weight[i] = i / 7 end
    assert.same(weight, back(nn.CrossEntropyLoss {weight = weight}).weight)
  end)

  it("arguments that are not the default, float64 and frozen tensors stay", function()
    local m = nn.Sequential {
      nn.Conv2d(1, 4, {3, 5}, {stride = 2, padding = {1, 2}, bias = false}), nn.LeakyReLU {
        negative_slope = 0.3}, nn.Flatten(), nn.Linear(8, 3), nn.LSTM(3, 2, {layers = 2}),
    }:to "float64"
    m[4].weight:requires_grad_(false)
    local u = back(m)
    assert.equal(tostring(m), tostring(u))
    assert.equal("float64", u[4].bias:dtype())
    assert.is_false(u[4].weight.requires_grad)
    assert.is_true(u[4].bias.requires_grad)
    assert.equal(m:parameter_count(), u:parameter_count())
    equal_state(m, u)
  end)

  it("every optimizer goes on as the one that was saved", function()
    for _, entry in ipairs(catalogue.optimizers) do
      nn.seed(3)
      local x, y = nn.randn(8, 3), nn.randn(8, 2)
      local first = nn.Sequential {nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)}
      local t = {model = first, opt = nn.optim[entry.name](first:parameters(), {})}
      local function steps(v)
        nn.seed(4)
        for _ = 1, 3 do
          v.opt:step(function()
            v.opt:zero_grad()
            local loss = nn.MSELoss()(v.model(x), y)
            loss:backward()
            return loss
          end)
        end
      end
      steps(t)
      local u = back(t)
      assert.equal(tostring(t.opt), tostring(u.opt))
      assert.truthy(u.opt:groups()[1].params[1] == u.model[1].weight)
      steps(t)
      steps(u)
      equal_state(t.model, u.model)
      assert.same(tostring(t.opt), tostring(u.opt))
    end
  end)

  it("groups, options and what is frozen stay", function()
    local m = nn.Sequential {nn.Linear(2, 2), nn.Linear(2, 1)}
    local opt = nn.optim.Adam({{params = m[1]:parameters(), lr = 0.5}, {params = {m[2].weight}}},
      {lr = 0.25, betas = {0.8, 0.9}})
    opt:groups()[2].weight_decay = 0.125
    local u = back {opt = opt, m = m}
    local groups = u.opt:groups()
    assert.equal(2, #groups)
    assert.equal(0.5, groups[1].lr)
    assert.equal(0.25, groups[2].lr)
    assert.equal(0.125, groups[2].weight_decay)
    assert.same({0.8, 0.9}, groups[1].betas)
    assert.truthy(groups[2].params[1] == u.m[2].weight)
  end)

  it("schedules go on", function()
    local m = nn.Linear(1, 1)
    local opt = nn.optim.SGD(m:parameters(), {lr = 0.1, momentum = 0.9})
    local inner = nn.schedule.Cosine(opt, {T_max = 20})
    local t = {opt = opt, inner = inner, warm = nn.schedule.Warmup(opt, {steps = 3, after = inner})}
    for _ = 1, 7 do t.warm:step() end
    local u = back(t)
    assert.truthy(u.warm.optimizer == u.opt and u.warm.options.after == u.inner)
    for _ = 1, 10 do
      assert.equal(t.opt.lr, u.opt.lr)
      t.warm:step()
      u.warm:step()
    end
    opt.lr = 0.05 -- by hand
    assert.equal(0.05, back(t).opt.lr)
    local plateau = nn.schedule.ReduceOnPlateau(opt, {patience = 1})
    for _, loss in ipairs {1, 1, 2, 2} do plateau:step(loss) end
    u = back {plateau = plateau, opt = opt}
    assert.equal(opt.lr, u.opt.lr)
    assert.equal(plateau.best, u.plateau.best)
    local cycle = nn.schedule.OneCycle(opt, {max_lr = 1, total_steps = 10})
    cycle:step()
    cycle:step()
    u = back {cycle, opt}
    assert.equal(opt.momentum, u[2].momentum)
    assert.equal(opt.lr, u[2].lr)
  end)

  it("tied weights stay tied, in layers of C and of Lua", function()
    local m = nn.Sequential {nn.Linear(3, 3), nn.Residual(nn.Linear(3, 3)), nn.Linear(3, 3)}
    m[3].weight = m[1].weight
    local u = back(nn.Sequential {m, m[2]})
    assert.truthy(u[1][3].weight == u[1][1].weight)
    assert.truthy(u[2] == u[1][2])
    assert.equal(m:parameter_count(), u:parameter_count())
  end)

  it("classes of the script's own come back, with the order of their fields", function()
    local Own = nn.Module:extend "OwnOfFilesSpec"
    function Own:init(n)
      self.z = nn.Linear(n, n)
      self.a = nn.Parameter(nn.ones(n))
      self.frozen = nn.Parameter(nn.ones(n)):requires_grad_(false)
      self.buffer = nn.zeros(n)
      self.list = {nn.Linear(n, 1), note = "text", w = nn.ones(1, {requires_grad = true})}
      self.me, self.again = self, self.z
      self.hidden = self.a * 2
      self.list.hidden = self.a * 2
    end
    function Own:forward(x) return self.z(x) * self.a end
    local m = Own(3)
    m:eval()
    local u = back(m)
    local function names(model)
      local list = {}
      for i, entry in ipairs(model:named_parameters()) do list[i] = entry.name end
      return table.concat(list, " ")
    end
    assert.equal("z.weight z.bias a frozen list.1.weight list.1.bias list.w", names(u))
    assert.equal(names(m), names(u))
    assert.is_false(u.training)
    assert.truthy(u.me == u and u.again == u.z and u.list.note == "text")
    assert.is_nil(u.hidden)
    assert.is_nil(u.list.hidden)
    assert.is_false(u.frozen.requires_grad)
    local x = nn.randn(2, 3)
    assert.truthy(nn.equal(m(x), u(x)))
    u.hidden = 5 -- and fields may be set as before
    local Redefined = nn.Module:extend "OwnOfFilesSpec"
    function Redefined.forward() return "new" end
    assert.equal("new", nn.load(path)(x))
  end)

  it("a class must be defined first", function()
    do
      local Gone = nn.Module:extend "GoneOfFilesSpec"
      nn.save(path, {model = nn.Sequential {Gone()}})
    end
    collectgarbage()
    collectgarbage()
    assert.matches('^byte %d+: module: there is no class "GoneOfFilesSpec": define it, '
      .. 'nn.Module:extend "GoneOfFilesSpec", before the file is loaded$', text(nn.load, path))
    nn.Module:extend "Residual" -- a script's own of that name is not ours
    assert.matches("^Residual", tostring(back(nn.Residual(nn.Linear(1, 1)))))
  end)

  it("containers of Lua come back", function()
    local m = nn.Sequential {nn.Concat {nn.Linear(2, 2), nn.Residual(nn.Linear(2, 2)), 2}}
    local x = nn.randn(3, 2)
    assert.truthy(nn.equal(m(x), back(m)(x)))
  end)
end)

-- ---- hostile files ----------------------------------------------------------------------------

local function sealed(bytes) return bytes .. string.pack("<I4", tools.crc32(bytes)) .. "end\n" end

-- A file with that tree, and tensors {dtype, {sizes}, bytes}.
local function file(tree, tensors, version)
  local records, data = {}, ""
  for i, t in ipairs(tensors or {}) do
    records[i] = string.pack("<BBI6", t[1], #t[2], 0)
    for _, size in ipairs(t[2]) do records[i] = records[i] .. string.pack("<i8", size) end
  end
  local head = table.concat(records) .. tree
  for _, t in ipairs(tensors or {}) do
    data = data .. ("\0"):rep(-(32 + #head + #data) % 64) .. t[3]
  end
  data = data .. ("\0"):rep(-(32 + #head + #data) % 8)
  return sealed("\x89nnlua\r\n" .. string.pack("<I4I4I8I8", version or 1, #records, #tree,
    32 + #head + #data + 8) .. head .. data)
end
local function refused(...)
  write(file(...))
  return text(nn.load, path)
end

local S = function(s) return "s" .. string.pack("<s4", s) end
local I = function(i) return "i" .. string.pack("<i8", i) end
-- A table of alternating keys and values, encoded.
local function T(list, ...)
  local pairs_of = {...}
  return "t" .. string.pack("<I4", #list) .. table.concat(list) .. string.pack("<I4",
    #pairs_of // 2)
    .. table.concat(pairs_of)
end
local function O(name, head, body)
  return "o" .. string.pack("<s1", name) .. head .. (body and "T" .. body or "F")
end
local ONE = {0, {2}, string.pack("<ff", 1, 2)}

describe("a hostile .nn file", function()
  it("is told from a good one made by the same rules", function()
    write(file(T({"x\0"}, S "a", I(5)), {ONE}))
    local u = nn.load(path)
    assert.equal(5, u.a)
    assert.same({1, 2}, u[1]:totable())
  end)

  it("is found by any bit that changed", function()
    nn.save(path, {a = {1, 2}, x = nn.range(1, 3)})
    local good = read()
    for i = 1, #good do
      write(good:sub(1, i - 1) .. string.char(good:byte(i) ~ 1 << i % 8) .. good:sub(i + 1))
      assert.matches("^byte %d+: ", text(nn.load, path))
    end
    write(good .. "\0")
    assert.equal(("byte 24: the file should have %d bytes, it has %d: it is longer than "
      .. "written"):format(
      #good, #good + 1), text(nn.load, path))
    write(good:sub(1, -2))
    assert.matches("it is cut short$", text(nn.load, path))
    write(good:gsub("\r\n", "\n", 1))
    assert.equal("byte 0: this .nn file was changed on its way, as by a transfer as text",
      text(nn.load, path))
  end)

  it("is refused for what is wrong outside the tree", function()
    write "nothing"
    assert.equal("byte 0: not a .nn file: it has only 7 bytes", text(nn.load, path))
    write(("x"):rep(100))
    assert.equal("byte 0: not a .nn file: it does not begin with the bytes of one", text(nn.load,
      path))
    assert.equal("byte 8: written in version 2 of the format; this nnlua reads version 1, a "
      .. "newer one "
      .. "may read it", refused("T", {}, 2))
    assert.equal("byte 32: a dtype is a number below 4, got 4", refused("x\0", {{4, {2},
      "12345678"}}))
    assert.equal("byte 33: a tensor has at most 8 dimensions, got 9",
      refused("x\0", {{0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, "1234"}}))
    for _, sizes in ipairs {{-1}, {1 << 49}, {1 << 40, 1 << 40}, {3000}, {1 << 48, 1 << 48, 0}} do
      assert.equal("byte 32: a tensor of these sizes does not fit into the file",
        refused("x\0", {{0, sizes, "12345678"}}))
    end
    assert.equal("byte 32: the tree and the tensors come to 80 bytes, the file has 144",
      refused("x\0", {{0, {2}, ("x"):rep(72)}}))
    local good = file("T", {})
    write(good:sub(1, 11) .. "\xff\xff\xff\xff" .. good:sub(16))
    assert.matches("^byte %d+: ", text(nn.load, path))
    local head = good:sub(1, 12)
    write(head .. string.pack("<I4I8I8", 4294967295, 1, #good) .. good:sub(33))
    assert.equal("byte 12: 4294967295 tensors do not fit into the file", text(nn.load, path))
    write(head .. string.pack("<I4i8I8", 0, -1, #good) .. good:sub(33))
    assert.equal("byte 16: a tree of 18446744073709551615 bytes does not fit into the file",
      text(nn.load, path))
  end)

  it("is refused for what is wrong in the tree", function()
    local function says(want, tree, ...)
      assert.equal(want, refused(tree, ...))
    end
    says("byte 32: a value of 1 bytes, but only 0 are left", "")
    says("byte 32: no value begins with byte 90", "Z")
    says("byte 33: 2 bytes follow the value", "TTT")
    says("byte 33: an integer of 8 bytes, but only 3 are left", "i123")
    says("byte 37: a string of 4294967295 bytes, but only 2 are left", "s\xff\xff\xff\xffab")
    says("byte 37: a value of 1 bytes, but only 0 are left", "t\xff\xff\xff\xff")
    says("byte 41: a key must be a string, a number or a boolean, got a table", T({}, T {}, "T"))
    assert.matches("^byte 41: a key must be a string, a number or a boolean, got %-?nan$",
      refused(T({}, "d" .. string.pack("<d", 0 / 0), "T")))
    says('byte 48: the key the string "a" is there twice', T({}, S "a", "T", S "a", "T"))
    says("byte 33: refers to number 7, which is not there yet", "r\7\0\0\0")
    says("byte 48: the file has 1 tensors, only 0 have a place", "T", {ONE})
    says("byte 33: there are only 0 tensors in the file", "x\0")
    says("byte 49: a tensor's flags are 0 to 3, got 4", "x\4", {ONE})
    says("byte 49: an uint8 tensor cannot require a gradient", "x\1", {{3, {2}, "12"}})
    local deep = ("t\1\0\0\0"):rep(3000) .. "T" .. ("\0\0\0\0"):rep(3000)
    assert.matches("^byte %d+: deeper than 1000 levels$", refused(deep))
    says('byte 33: there is no type "dofile" here; it may be one of a newer nnlua', O("dofile",
      "T"))
    says('byte 33: there is no type "__index" here; it may be one of a newer nnlua', O("__index",
      "T"))
  end)

  it("is refused for objects that are none", function()
    local function layer(class, arguments, bytes, body)
      return O("layer", T({}, S "class", class, S "arguments", arguments, S "bytes", I(bytes),
        S "training", "T"), body or T {})
    end
    local function says(want, tree, ...)
      assert.equal(want, (refused(tree, ...):gsub("^byte %d+: ", "")))
    end
    says("layer: fields: options are a table of named fields, got true", O("layer", "T", T {}))
    says("layer: field 'arguments' is missing", O("layer", T {}, T {}))
    says("layer: there is no layer 'Nothing'", layer(S "Nothing", T {}, 0))
    says("layer: fields: option 'class' must be a string, got 5", layer(I(5), T {}, 0))
    says("layer: Linear: 'in' is missing", layer(S "Linear", T {}, 0))
    local linear = T({}, S "in", I(2), S "out", I(1), S "bias", "F")
    says("layer: Linear: 'weight' must be a tensor, got nil", layer(S "Linear", linear, 0))
    says("layer: Linear.weight must be a float32 tensor of 1x2, got float32 of 2",
      layer(S "Linear", linear, 8, T({}, S "weight", "x\0")), {ONE})
    says("layer: Linear has no 'other'", layer(S "Linear", linear, 8, T({}, S "weight", "x\0",
      S "other",
      "T")), {{0, {1, 2}, ONE[3]}})
    says("layer: tensors of 1000000 bytes are not in the file", layer(S "Linear", linear, 1000000))
    local huge = T({}, S "in", I(100000), S "out", I(100000))
    says("layer: Linear(100000, 100000): its tensors are not in the file", layer(S "Linear", huge,
      0))
    says("layer: Sequential: child 1 must be a layer or a module, got 5",
      layer(S "Sequential", T {}, 0, T {I(5)}))
    says("layer: add: only a container has children, not ReLU",
      layer(S "ReLU", T {}, 0, T {layer(S "ReLU", T {}, 0)}))
    says("layer: Sequential: cannot be put into itself", layer(S "Sequential", T {}, 0, T {
      "r\1\0\0\0"}))
    says("layer: must have a body", O("layer", T({}, S "class", S "ReLU", S "arguments", T {},
      S "bytes",
      I(0), S "training", "T")))
    says("loss: there is no loss 'ReLU'", O("loss", T({}, S "class", S "ReLU", S "arguments",
      T {})))
    says("loss: MSELoss: there is no option 'x'; the options are reduction",
      O("loss", T({}, S "class", S "MSELoss", S "arguments", T({}, S "x", I(1)))))
    says("loss: must not have a body", O("loss", T({}, S "class", S "MSELoss", S "arguments", T {}),
      T {}))
    says("optimizer: there is no optimizer the string \"__gc\"",
      O("optimizer", T({}, S "params", T {}, S "state", T({}, S "optimizer", S "__gc"))))
    says("optimizer: the groups of the state are not those of the parameters",
      O("optimizer", T({}, S "params", T {T {}}, S "state", T({}, S "optimizer", S "SGD"))))
    local function module(class, fields, body)
      return O("module", T({}, S "class", S(class), S "own", "T", S "training", "T", S "fields",
        fields),
        body)
    end
    says("module: there is no class \"print\": define it, nn.Module:extend \"print\", before the "
      .. "file is "
      .. "loaded", module("print", T {}, T {}))
    says("module: there is no class \"Module\": define it, nn.Module:extend \"Module\", before "
      .. "the file "
      .. "is loaded", module("Module", T {}, T {}))
    says("module: no field can be there twice", module("Residual", T {I(1), I(1)}, T {}))
    says("module: no field can be there twice", module("Residual", T {S "training"}, T {}))
    says("module: no field is \"x\"", module("Residual", T {}, T({}, S "x", "T")))
    says("schedule: schedule: expected the kind of a schedule and its optimizer, got nil and nil",
      O("schedule", T({}, S "options", T {}, S "state", T {})))
  end)

  it("never crashes, whatever is in its tree", function()
    local model = nn.Sequential {nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Residual(nn.Linear(3, 3))}
    local opt = nn.optim.Adam(model:parameters(), {lr = 0.1})
    nn.save(path, {model = model, opt = opt, loss = nn.CrossEntropyLoss {weight = {1, 2}},
      again = model, schedule = nn.schedule.Cosine(opt, {T_max = 5}), ds = nn.data.line(),
      scaled = nn.data.Standardize():fit(nn.data.line()), [1] = {1.5, "x", true}})
    local good = read():sub(1, -9)
    local at, size = 33, string.unpack("<I8", good, 17)
    for _ = 1, string.unpack("<I4", good, 13) do at = at + 8 + 8 * good:byte(at + 1) end
    local seed, loaded, count = 1, 0, 1000
    local function draw(n)
      seed = seed * 6364136223846793005 + 1442695040888963407
      return (seed >> 33) % n
    end
    for _ = 1, count do
      local bytes = good
      for _ = 1, 1 + draw(3) do
        local i = at + draw(size)
        local new = draw(4) == 0 and ("iTFdstxor"):sub(draw(9) + 1):sub(1,
          1) or string.char(draw(256))
        if draw(3) == 0 then new = string.char(bytes:byte(i) ~ 1 << draw(8)) end
        bytes = bytes:sub(1, i - 1) .. new .. bytes:sub(i + 1)
      end
      write(sealed(bytes))
      local ok, value = pcall(nn.load, path)
      if ok then
        loaded = loaded + 1
        if type(value) == "table" and pcall(function() return value.model(nn.ones(2, 2)) end) then
          tostring(value.model)
        end
      else
        assert.matches("%.nn: byte %d+: ", value)
      end
    end
    assert.truthy(loaded > 20 and loaded < count)
  end)
end)
