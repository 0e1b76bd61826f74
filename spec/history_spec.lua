-- history_spec.lua: the history as a table, a picture and a file. (csv: fit_spec.lua.)

local nn = require "nn"
local history = require "nn.history"
local message = dofile("spec/tools.lua").message

local function fresh(suffix)
  local path = os.tmpname()
  os.remove(path)
  return path .. suffix
end

-- A history of n epochs whose loss falls and whose accuracy rises.
local function some(n, more)
  local h = history.new {"epoch", "loss", "accuracy", "val_loss", "lr", "seconds"}
  for i = 1, n do
    h[i] = {epoch = i, loss = 2 / i, accuracy = 1 - 1 / i, val_loss = 1 / i + i / 50, lr = 0.1,
      seconds = 0.5}
    for key, value in pairs(more or {}) do h[i][key] = value end
  end
  h.stopped_by = "epochs"
  return h
end

local function lines_of(h)
  local list = {}
  for line in (tostring(h) .. "\n"):gmatch "([^\n]*)\n" do list[#list + 1] = line end
  return list
end

describe("history", function()
  it("prints aligned columns", function()
    local lines = lines_of(some(2))
    assert.same({
      "epoch    loss  accuracy  val_loss      lr  seconds",
      "    1  2.0000    0.0000    1.0200  0.1000    0.500",
      "    2  1.0000    0.5000    0.5400  0.1000    0.500",
    }, lines)
    assert.equal("epoch  loss  accuracy  val_loss  lr  seconds", tostring(some(0)))
  end)

  it("draws the curves of what changes below the columns", function()
    local lines = lines_of(some(12))
    assert.equal(14, #lines)
    local terminal = require "nn.terminal"
    local last = lines[14]
    if not terminal.utf8() then
      assert.matches("^ +#[^ ]+  [^ ]+#  #[^ ]+$", last)
    end
    local cells = {}
    for cell in last:gmatch "[^ ]+" do cells[#cells + 1] = cell end
    assert.equal(3, #cells) -- not the epoch, the seconds or a learning rate that stays
    assert.is_true(utf8.len(cells[2]) == #"accuracy")
    assert.equal(4, #lines_of(some(3)))
  end)

  it("cuts a long one in the middle and says how the fit ended", function()
    local h = some(100)
    h.stopped_by, h.best_epoch = "EarlyStopping", 7
    local lines = lines_of(h)
    assert.equal(1 + 15 + 1 + 15 + 1 + 1, #lines)
    assert.matches("^   15 ", lines[16])
    assert.equal("   ..", lines[17])
    assert.matches("^   86 ", lines[18])
    assert.equal("stopped by EarlyStopping, best epoch 7", lines[#lines])
  end)

  it("shows what callbacks add, and keeps matrices out", function()
    local h = some(2, {note = "x", flag = true, confusion = nn.zeros(2, 2)})
    assert.matches("seconds  flag  note$", lines_of(h)[1])
    assert.matches("0.500  true     x$", lines_of(h)[2])
    h[2].note = nil
    assert.matches("0.500  true     %-$", lines_of(h)[3])
    h[1].loss = 0 / 0
    assert.matches("^    1     nan ", lines_of(h)[2])
  end)

  it("finds the best of a column", function()
    local h = some(10)
    assert.equal(7, h:best().epoch)
    assert.equal(10, h:best("accuracy").epoch)
    assert.equal(1, h:best("accuracy", "min").epoch)
    assert.equal(1, h:best("loss", "max").epoch)
    h[7].val_loss = 0 / 0
    assert.equal(8, h:best("val_loss").epoch)
    assert.is_nil(some(0):best())
    assert.matches("best: option 'mode' must be \"min\" or \"max\"", message(h.best, h, "loss", 3))
    for name, mode in pairs {loss = "min", val_loss = "min", rmse = "min", my_error = "min",
      accuracy = "max", f1 = "max", auc = "max", val_r2 = "max", top_5 = "max"} do
      assert.equal(mode, history.mode(name), name)
    end
  end)

  it("is drawn, with the best epoch marked", function()
    local path = fresh ".svg"
    some(9):plot(path)
    local f = assert(io.open(path))
    local svg = f:read "a"
    f:close()
    os.remove(path)
    for _, text in ipairs {"epoch", ">loss<", "validation", "best: epoch 7"} do
      assert.is_truthy(svg:find(text, 1, true), text)
    end
    assert.matches("plot: there is no option 'colum'; the options are height, scale, title, width",
      message(some(3).plot, some(3), path, {colum = "loss"}))
    assert.matches("plot: expected a path, got 3", message(some(3).plot, some(3), 3))
  end)

  it("is saved and loaded", function()
    local h = some(3, {confusion = nn.ones(2, 2)})
    h[2].loss = 1 / 0
    h.stopped_by, h.best_epoch = "enough", 2
    local path = fresh ".nn"
    nn.save(path, {history = h})
    local again = nn.load(path).history
    os.remove(path)
    assert.equal(tostring(h), tostring(again))
    assert.equal(3, #again)
    assert.equal("enough", again.stopped_by)
    assert.equal(2, again.best_epoch)
    assert.equal(h:best("accuracy").epoch, again:best("accuracy").epoch)
    assert.same({{1, 1}, {1, 1}}, again[3].confusion:totable())
  end)

  it("refuses what a file should not hold", function()
    local entry = require "nn.files.registry".find "history"
    local function wrong(pattern, state) assert.matches(pattern, message(entry.load, state)) end
    wrong("history: there is no option 'rows'", {rows = {}})
    wrong("history: option 'records' must be a table, got 3", {records = 3})
    wrong("history: record 1 is not a table with an epoch", {records = {7}})
    wrong("history: record 2 is not a table with an epoch", {records = {{epoch = 1}, {}}})
    wrong("history: column 1 is called 3", {columns = {3}})
    wrong("history: options are a table", 3)
  end)
end)
