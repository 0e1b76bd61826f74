-- tensorboard_spec.lua: nn.TensorBoard, its files read by an independent parser
-- (tests/golden/events.py).

local nn = require "nn"
local events = require "nn.callbacks.events"

local golden = debug.getinfo(1, "S").source:match "^@(.*)spec/[^/]*$" .. "tests/golden/"
local message = dofile("spec/tools.lua").message

local function lines_of(command)
  local pipe, list = assert(io.popen(command)), {}
  for line in pipe:lines() do list[#list + 1] = line end
  assert.is_truthy(pipe:close())
  return list
end

local has_python = os.execute "command -v python3 >/dev/null 2>&1"

-- The events of each file of the folder, in the order of their names.
local function read(folder)
  local files = {}
  for i, path in ipairs(lines_of("ls " .. folder .. "/events.out.tfevents.*")) do
    files[i] = {}
    for _, line in ipairs(lines_of(("python3 %sevents.py %s"):format(golden, path))) do
      table.insert(files[i], assert(load("return " .. line))())
    end
  end
  return files
end

local function in_folder(f)
  local folder = os.tmpname()
  os.remove(folder)
  local ok, err = pcall(f, folder)
  os.execute("rm -r " .. folder)
  if not ok then error(err, 0) end
end

local function fit(folder, more)
  nn.seed(1)
  local model = nn.Linear(1, 2)
  local x = nn.randn(12, 1)
  local o = {loss = nn.CrossEntropyLoss(), epochs = 3, metrics = {"accuracy", "confusion"},
    validation = 0.5, optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1}),
    callbacks = {nn.TensorBoard {folder = folder, histograms = true}}}
  for key, value in pairs(more or {}) do o[key] = value end
  local data = nn.data.tensors(x, x:gt(0):to("int64"):flatten():add(1))
  return nn.fit(model, data, o), model
end

describe("nn.TensorBoard", function()
  it("sums as CRC-32C does", function()
    -- RFC 3720, appendix B.4, and the catalogue's check value.
    assert.equal(0xe3069283, events.crc32c "123456789")
    assert.equal(0x8a9136aa, events.crc32c(("\0"):rep(32)))
    assert.equal(0x62a8ab43, events.crc32c(("\255"):rep(32)))
    assert.equal(0, events.crc32c "")
  end)

  if not has_python then
    pending "the event files: python3 is not installed"
    return
  end

  it("writes a scalar for each number of the history", function()
    in_folder(function(folder)
      local history = fit(folder .. "/runs/first")
      local files = read(folder .. "/runs/first")
      assert.equal(1, #files)
      local list = files[1]
      assert.equal(5, #list)
      assert.equal("brain.Event:2", list[1].version)
      assert.near(os.time(), list[1].time, 600)
      assert.equal(1, list[2].session)
      assert.equal(1, list[2].step)
      for epoch = 1, 3 do
        local e, got = list[epoch + 2], {}
        assert.equal(epoch, e.step)
        for _, v in ipairs(e.values) do got[v.tag] = v.value end
        for _, name in ipairs {"loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds"} do
          assert.near(history[epoch][name], got[name], 1e-6)
        end
        assert.is_nil(got.epoch)
        assert.is_nil(got.confusion)
      end
    end)
  end)

  it("writes a histogram for each parameter", function()
    in_folder(function(folder)
      local model = nn.Linear(40, 50)
      nn.no_grad(function()
        model.bias:fill_(0.25)
        model.weight[1][1] = 0 / 0
      end)
      local tb = nn.TensorBoard {folder = folder, histograms = true}
      tb:on_fit_begin {epoch = 6}
      tb:on_epoch_end {epoch = 7, record = {loss = -0.0, wild = 1 / 0}, model = model}
      local list = read(folder)[1]
      assert.equal(7, list[2].step)
      local values = list[3].values
      assert.equal(1 / 0, values[2].value)
      assert.equal("parameters/weight", values[3].tag)
      local h = values[3].histogram
      local w = model.weight:detach():to("float64"):flatten():narrow(1, 2, 1999)
      assert.equal(1999, h.num)
      assert.equal(w:min():item(), h.min)
      assert.equal(w:max():item(), h.max)
      assert.near(w:sum():item(), h.sum, 1e-9)
      assert.near(w:square():sum():item(), h.sum_squares, 1e-9)
      assert.equal(30, #h.limits)
      assert.equal(h.max, h.limits[30])
      local total, below = 0, 0
      for i, count in ipairs(h.counts) do
        total = total + count
        if i == 10 then below = total end
      end
      assert.equal(1999, total)
      assert.near(w:lt(h.limits[10]):sum():item(), below, 1)
      assert.same({counts = {50.0}, limits = {0.25}, max = 0.25, min = 0.25, num = 50.0, sum = 12.5,
        sum_squares = 3.125}, values[4].histogram)
    end)
  end)

  it("begins another file for each fit, even in the same second", function()
    in_folder(function(folder)
      fit(folder)
      fit(folder)
      fit(folder)
      local files = read(folder)
      assert.equal(3, #files)
      for _, list in ipairs(files) do assert.equal(5, #list) end
    end)
  end)

  it("says what is wrong", function()
    assert.matches("TensorBoard: expected a path, got nil", message(nn.TensorBoard))
    assert.matches("TensorBoard: there is no option 'path'", message(nn.TensorBoard, {path = "x"}))
    local path = os.tmpname()
    assert.matches("TensorBoard: cannot make the folder .*/runs: Not a directory",
      message(fit, path .. "/runs"))
    os.remove(path)
  end)
end)
