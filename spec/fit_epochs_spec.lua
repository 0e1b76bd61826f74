-- nn.fit where nothing in Lua sees the end of an epoch: many are one call (optim/epochs.c), with
-- the same history, bits and errors as one at a time.

local nn = require "nn"

local function read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read("a")
  f:close()
  return text
end

local function data(n)
  nn.seed(7)
  local x = nn.randn(n, 2)
  return nn.data.tensors(x, x:sum(2):gt(0):to("int64"):add(1))
end

local function network()
  nn.seed(1)
  return nn.Sequential {nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)}
end

local function options(model, more)
  local o = {
    loss = nn.CrossEntropyLoss(), optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1}),
    epochs = 7, batch_size = 8,
  }
  for name, value in pairs(more) do o[name] = value end
  return o
end

-- What a fit leaves, without the seconds.
local function outcome(model, history)
  local list = {nn.rand(1):item()} -- where the streams stand
  for _, p in ipairs(model:parameters()) do
    list[#list + 1] = p:totable()
    list[#list + 1] = p.grad and p.grad:totable()
  end
  for _, record in ipairs(history) do
    assert.is_true(record.seconds >= 0)
    list[#list + 1] = {record.epoch, record.loss, record.penalty, record.lr}
  end
  return list
end

-- A callback that does nothing has to be called after each epoch.
local function seen(more)
  local o = {callbacks = {{on_epoch_end = function() end}}}
  for name, value in pairs(more) do o[name] = value end
  return o
end

describe("epochs that nobody sees", function()
  for name, more in pairs {
    ["in one order"] = {shuffle = false}, ["in a new order each"] = {},
    ["with a penalty"] = {l2 = 0.01, l1 = 0.001}, ["with a short last batch"] = {batch_size = 16},
    ["of one batch"] = {batch_size = 100}, ["with clipping"] = {clip_norm = 0.1},
    ["with accumulation"] = {accumulate = 2}, ["more than one call's"] = {epochs = 2300},
  } do
    it("are as if they were seen, " .. name, function()
      local results = {}
      for i, with in ipairs {more, seen(more)} do
        local model, ds = network(), data(40)
        results[i] = outcome(model, nn.fit(model, ds, options(model, with)))
      end
      assert.same(results[2], results[1])
    end)
  end

  it("end where a loss is no number, with the records before it", function()
    local messages, records = {}, {}
    for i, with in ipairs {{shuffle = false}, seen {shuffle = false}} do
      nn.seed(3)
      local model = nn.Linear(1, 1)
      local x = nn.tensor {{1}, {2}, {3}, {4}}
      local ok, err = pcall(nn.fit, model, nn.data.tensors(x, x:mul(2)), {
        loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters(), {lr = 50}), epochs = 50,
        batch_size = 2, shuffle = with.shuffle, callbacks = with.callbacks,
      })
      assert.is_false(ok)
      messages[i], records[i] = err:gsub("^.-fit:", ""), #nn.last.history
    end
    assert.matches("epoch %d+, batch", messages[1])
    assert.equal(messages[2], messages[1])
    assert.equal(records[2], records[1])
    assert.is_true(records[1] > 0)
  end)

  it("go on after Ctrl-C as if nothing had been", function()
    local pid = assert(tonumber(read("/proc/self/stat"):match "^%d+"))
    local function run(interrupt)
      local model, ds = network(), data(40)
      if interrupt then io.popen(("sleep 0.05; kill -INT %d"):format(pid)) end
      local ok, history = pcall(nn.fit, model, ds, options(model, {epochs = 40000}))
      if not ok then -- a fast machine may be through
        assert.equal("interrupted", history)
        assert.is_true(#nn.last.history < 40000)
        history = nn.resume()
      end
      assert.equal(40000, #history)
      return outcome(model, history)
    end
    local expected = run(false)
    assert.same(expected, run(true))
  end)
end)
