-- nn.fit and nn.evaluate with nn.data.stream: data larger than memory.

local paths

local function path(extension)
  local name = os.tmpname()
  paths[#paths + 1] = name
  if not extension then return name end
  paths[#paths + 1] = name .. extension
  return name .. extension
end

before_each(function()
  paths = {}
  nn.seed(1)
end)
after_each(function()
  for _, name in ipairs(paths) do os.remove(name) end
end)

local N = 1000

-- A table of numbers, and the same as a dataset.
local function regression()
  local name = path ".csv"
  nn.save(name, nn.data.regression {n = N, noise = 0.1, seed = 3})
  return nn.data.stream(name), nn.data.csv(name)
end

local function linear(width)
  nn.seed(7)
  local model = nn.Linear(width, 1)
  return model, nn.optim.SGD(model:parameters(), {lr = 0.02, momentum = 0.5})
end

local function train(data, options)
  local model, optimizer = linear(#nn.data.regression {n = 2}.x[1])
  local o = {loss = nn.MSELoss(), optimizer = optimizer, epochs = 3}
  for key, value in pairs(options or {}) do o[key] = value end
  return nn.fit(model, data, o), model
end

local function refused(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return (err:gsub("^%S+_spec.lua:%d+: ", ""))
end

-- Without a shuffle, and on the path that Lua walks, the same bits as of the data in memory.
local function same_as(s, ds, options)
  options.shuffle = false
  options.callbacks = {{on_batch_end = function() end}}
  local a, model = train(s, options)
  local b, other = train(ds, options)
  assert.equal(#b, #a)
  for i, record in ipairs(b) do
    for key, value in pairs(record) do
      if key ~= "seconds" then assert.equal(value, a[i][key], key) end
    end
  end
  assert.is_true(nn.equal(model.weight, other.weight))
end

describe("nn.fit with a stream", function()
  it("computes what it computes of a dataset", function()
    local s, ds = regression()
    same_as(s, ds, {})
    same_as(s, ds, {batch_size = 64, accumulate = 3, metrics = {"mae", "r2"}, l2 = 0.01,
      validation = ds})
    same_as(s, ds, {batch_size = 300, validation = s, metrics = {"mae"}})
    same_as(s, ds, {batch_size = 5000})
  end)

  it("lets an optimizer ask for a batch again", function()
    local s, ds = regression()
    local function lbfgs(data)
      local model = linear(#ds.x[1])
      nn.fit(model, data, {loss = nn.MSELoss(), epochs = 2, batch_size = 250, shuffle = false,
        optimizer = nn.optim.LBFGS(model:parameters(), {lr = 0.5}), accumulate = 2})
      return model
    end
    assert.is_true(nn.equal(lbfgs(ds).weight, lbfgs(s).weight))
  end)

  it("shuffles anew each epoch, by the seed", function()
    local s = regression()
    local seen = {}
    local watch = setmetatable({}, {__call = function(_, prediction, target)
      seen[#seen + 1] = target:reshape(-1):clone()
      return nn.MSELoss()(prediction, target)
    end})
    local function run()
      seen = {}
      local history = train(s, {batch_size = N, epochs = 2, metrics = {"r2"},
        loss = function(...) return watch(...) end})
      return seen[1], seen[2], history
    end
    local a, b, history = run()
    assert.is_false(nn.equal(a, b))
    assert.is_true(nn.equal((a:sort()), (b:sort())))
    local c = run()
    assert.is_true(nn.equal(a, c))
    assert.is_true(history[2].r2 <= 1)
  end)

  it("learns labels from npy and IDX files", function()
    local ds = nn.data.digits()
    local x, y = path ".npy", path ".npy"
    nn.save(x, ds.x)
    nn.save(y, ds.y)
    local images, labels = path(), path()
    local pixels = (ds.x * 255):round():to "uint8"
    local function write(name, magic, sizes, t)
      local bytes = t:reshape(-1):totable()
      for i, v in ipairs(bytes) do bytes[i] = string.char(v) end
      local f <close> = assert(io.open(name, "wb"))
      f:write(string.pack(">I4" .. ("I4"):rep(#sizes), magic, table.unpack(sizes)),
        table.concat(bytes))
    end
    write(images, 0x803, {#ds, 8, 8}, pixels)
    write(labels, 0x801, {#ds}, ds.y - 1)
    for _, s in ipairs {nn.data.stream(x, {y = y}), nn.data.stream(images, {y = labels})} do
      nn.seed(2)
      local model = nn.Sequential {nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)}
      local history = nn.fit(model, s, {loss = nn.CrossEntropyLoss(), metrics = {"accuracy"},
        optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01}), epochs = 5, validation = s})
      assert.is_true(history[5].accuracy > 0.95)
      local measured = nn.evaluate(model, s)
      assert.equal(history[5].val_accuracy, measured.accuracy)
      assert.equal(#s, #model:predict(s))
    end
  end)

  it("goes on where it was interrupted", function()
    local s = regression()
    local whole, model = train(s, {metrics = {"r2"}, epochs = 3})
    for _, at in ipairs {1, 17, 31} do
      local pause = {on_batch_end = function(state)
        if state.epoch == 2 and state.batch == at then error "pause" end
      end}
      assert.matches("pause",
        refused(train, s, {metrics = {"r2"}, epochs = 3, callbacks = {pause}}))
      local half = nn.resume()
      assert.equal(whole[3].loss, half[3].loss)
      assert.equal(whole[3].r2, half[3].r2)
      assert.is_true(nn.equal(model.weight, nn.last.model.weight))
    end
  end)

  it("goes on from a checkpoint", function()
    local s = regression()
    nn.seed(1)
    local whole, model = train(s, {metrics = {"r2"}, epochs = 4})
    local file = path ".nn"
    paths[#paths + 1] = file:gsub("%.nn$", ".previous.nn")
    nn.seed(1)
    train(s, {metrics = {"r2"}, epochs = 2, checkpoint = {path = file}})
    nn.seed(1)
    local rest, again = train(s, {metrics = {"r2"}, epochs = 4, checkpoint = {path = file}})
    assert.equal(4, #rest)
    assert.equal(whole[4].loss, rest[4].loss)
    assert.equal(whole[4].r2, rest[4].r2)
    assert.is_true(nn.equal(model.weight, again.weight))
  end)

  it("names the layer where a number that is no number came in", function()
    local name = path ".npy"
    local t = nn.randn(100, 3)
    t[71][2] = 0 / 0
    nn.save(name, t)
    local model = nn.Linear(2, 1)
    local text = refused(nn.fit, model, nn.data.stream(name), {loss = nn.MSELoss(), shuffle = false,
      batch_size = 10, optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01})})
    assert.matches("epoch 1, batch 8", text, nil, true)
    assert.matches("element [71, 2] of the data's x is nan", text, nil, true)
    text = refused(nn.fit, model, nn.data.stream(name), {loss = nn.MSELoss(), batch_size = 10,
      optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01})})
    assert.matches("element %[%d+, 2%] of the batch's x is nan", text)
  end)

  it("says what cannot be", function()
    local s = regression()
    assert.equal("fit: a stream cannot be split, so option 'validation' must be a dataset or "
      .. "another stream, got 0.2", refused(train, s, {validation = 0.2}))
    local f <close> = assert(io.open(s.path, "w"))
    f:write "a,b\n1,2\n"
    f:close()
    assert.matches("the file has changed", refused(train, s), nil, true)
  end)
end)
