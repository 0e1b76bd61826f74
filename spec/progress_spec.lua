-- progress_spec.lua: what nn.fit shows on stderr, on a terminal (made by script(1)) and elsewhere.

local terminal = require "nn.terminal"
local tools = dofile "spec/tools.lua"
local nnlua, read = tools.nnlua, tools.read

-- Installed, and the system has pseudo-terminals (a bare chroot has none).
local has_script = os.execute "script -qefc true /dev/null >/dev/null 2>&1 </dev/null"

-- Everything that a Lua text writes to a terminal of `columns`, and whether it ended well.
local function on_terminal(text, columns, locale, flags)
  local path, out = os.tmpname(), os.tmpname()
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
  local command = ("stty cols %d rows 20; unset LC_CTYPE COLUMNS; LC_ALL=%s %s %s %s"):format(
    columns, locale or "C.UTF-8", nnlua, flags or "", path)
  local ok = os.execute(("script -qefc '%s' /dev/null >%s </dev/null"):format(command, out))
  local written = read(out)
  os.remove(path)
  os.remove(out)
  return written:gsub("\r\n", "\n"), ok
end

-- The frames of a live line: what stands between one return to its start and the next.
local function frames(written)
  local list = {}
  for frame in written:gmatch "\r([^\r]*)" do list[#list + 1] = (frame:gsub("\b", "")) end
  return list
end

-- An own loop with the display of nn.fit and a clock of its own, on which a batch takes 20 ms.
local loop = [[
  local now = 100
  require "nn.core".time = function() return now end
  local progress = require "nn.progress"
  local columns = {"epoch", "loss", "accuracy", "val_loss", "lr", "seconds"}
  do
    local show <close> = progress.new("auto", 3)
    for epoch = 1, 3 do
      show:begin(epoch, 200, 2)
      local total = 0
      for batch = 1, 100 do
        now = now + 0.02
        total = total + 2 * (1 / epoch)
        show:batch(2 * batch, total)
        if batch == 50 and epoch == STOP then error "stopped here" end
      end
      show:epoch({epoch = epoch, loss = 1 / epoch, accuracy = 0.5, val_loss = 1.5 / epoch,
        lr = 0.1, seconds = 0.2}, columns)
    end
  end
  io.stderr:write("after\n")
]]

describe("progress on a terminal", function()
  if not has_script then
    pending "script(1) cannot make a terminal here"
    return
  end

  it("tells how far a search is, in one line that stays", function()
    local text = [[
      local core = require "nn.core"
      local wait, time, ahead = core.workers.wait, core.time, 0
      core.time = function() return time() + ahead end
      core.workers.wait = function(...) -- each trial takes a second
        ahead = ahead + 1
        return wait(...)
      end
      local found = nn.search{space = {x = nn.uniform(0, 1)}, trials = 4, workers = 1,
        run = function(p, trial) return trial.number / 8 end}
      print(found.best.score)
    ]]
    local written, ok = on_terminal(text, 80)
    assert.is_truthy(ok)
    local list = frames(written)
    assert.equal(4, #list)
    for i, frame in ipairs(list) do
      assert.matches(("^search %d/4  .*  best 0%%.%d"):format(i, 125 * i), frame)
    end
    assert.matches("3%.?%d* s left", list[1])
    assert.matches("^search 4/4  .*  4%.?%d* s  best 0%.5000 *\n0%.5\n$", list[4])
    assert.equal("0.5\n", (on_terminal(text, 80, nil, "--quiet")))
    written = on_terminal(text, 20)
    for _, frame in ipairs(frames(written)) do
      assert.is_true(utf8.len(frame:match "[^\n]*") < 20)
    end
  end)

  it("is one line that tells how far it is and how well it goes", function()
    local written, ok = on_terminal(loop, 120)
    assert.is_truthy(ok)
    assert.matches("\nafter\n", written)
    assert.equal(2, select(2, written:gsub("\n", "")))
    local list = frames(written)
    assert.matches("^epoch 1/3  batch 0/100  ▕ +▏ *$", list[1])
    local middle
    for _, frame in ipairs(list) do
      if frame:find "^epoch 2/3  batch" then middle = frame end
    end
    assert.matches("^epoch 2/3  batch %d+/100  ▕█.-▏  100/s  2%.%d s left  loss 0.5000  "
      .. "val_loss 1.5000  accuracy 0.5000 *$", middle)
    assert.matches("^epoch 3/3  100/s  6.0 s  loss 0.3333  val_loss 0.5000  █▃▁  accuracy 0.50"
      .. "00 *\n", list[#list])
  end)

  it("is drawn ten times a second at most", function()
    local list = frames((on_terminal(loop, 100)))
    assert.is_true(#list > 30, #list .. " frames in 6 s")
    assert.is_true(#list <= 62, #list .. " frames in 6 s")
  end)

  it("respects the window, and terminals that know ASCII alone", function()
    for _, columns in ipairs {100, 60, 40, 12} do
      for _, locale in ipairs {"C.UTF-8", "C"} do
        for _, frame in ipairs(frames((on_terminal(loop, columns, locale)))) do
          local line = frame:gsub("\n.*", "")
          assert.is_true(utf8.len(line) < columns, line)
          if locale == "C" then assert.is_nil(line:find "[\128-\255]", line) end
          assert.matches("^epoch", line)
        end
      end
    end
    local plain = frames((on_terminal(loop, 100, "C")))
    assert.matches("batch %d+/100  %[=+ *%]", plain[3])
  end)

  it("leaves the line whole after an error", function()
    local written, ok = on_terminal("STOP = 2 " .. loop, 90)
    assert.is_falsy(ok)
    assert.matches("\repoch 2/3[^\n]*\n[^\n]*stopped here", written)
  end)

  it("leaves the line whole after Ctrl-C, and is back when the fit goes on", function()
    local written = on_terminal([[
      local model = nn.Linear(1, 1)
      local sent = false
      print(pcall(nn.fit, model, nn.data.line(), {loss = nn.MSELoss(), epochs = 9,
        optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01}),
        callbacks = {{on_batch_end = function(_, state)
          if state.epoch == 3 and not sent then
            sent = true
            io.popen "kill -INT $PPID":close()
          end
        end}}}))
      print(#nn.resume())
    ]], 90)
    assert.matches("\repoch 3/9  [^\n\r]*\nfalse\tinterrupted[^\n]*\n", written)
    assert.matches("\repoch 9/9  [^\n\r]*\n9\n$", written)
  end)

  it("is silent when told", function()
    assert.equal("after\n", (on_terminal(loop, 80, "C", "--quiet")))
    assert.equal("after\n", (on_terminal(loop:gsub('"auto"', "false"), 80)))
  end)

  it("makes room for what callbacks print", function()
    local written = on_terminal([[
      local model = nn.Linear(1, 1)
      nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 2,
        optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01}),
        callbacks = {{on_epoch_end = function(_, state) print("end of " .. state.epoch) end}}})
    ]], 90)
    assert.matches("\r +\rend of 1\n", written)
    assert.matches("\r +\rend of 2\n\repoch 2/2  [^\n]*\n$", written)
  end)
end)

describe("progress without a terminal", function()
  it("costs next to nothing and writes nothing", function()
    local show = require "nn.progress".new("auto", 3)
    assert.is_false(show.live)
    assert.equal(math.huge, show:room())
    show:begin(1, 10, 2)
    show:batch(2, 1)
    show:pause()
    show:epoch({epoch = 1, loss = 1}, {"epoch", "loss"})
    show:close()
  end)
end)

describe("terminal", function()
  it("draws curves", function()
    assert.equal("▁▂▃▄▅▆▇█", terminal.spark({0, 1, 2, 3, 4, 5, 6, 7}, 20))
    assert.equal("_.,-~+*#", terminal.spark({0, 1, 2, 3, 4, 5, 6, 7}, 20, true))
    assert.equal("█▁", terminal.spark({9, 7, 1, 1}, 2))
    assert.equal("▁ █", terminal.spark({1, 0 / 0, 2}, 3))
    assert.equal("▁▁", terminal.spark({3, 3}, 3))
    assert.equal("", terminal.spark({}, 3))
    assert.equal(" ▁█", terminal.spark({1 / 0, 0, 5}, 3))
  end)

  it("draws bars", function()
    assert.equal("▕        ▏", terminal.bar(0, 10))
    assert.equal("▕████    ▏", terminal.bar(0.5, 10))
    assert.equal("▕████▌   ▏", terminal.bar(4.5 / 8, 10))
    assert.equal("▕████████▏", terminal.bar(7, 10))
    assert.equal("[====    ]", terminal.bar(0.5, 10, true))
    for i = 0, 100 do
      assert.equal(16, utf8.len(terminal.bar(i / 100, 16)))
      assert.equal(16, #terminal.bar(i / 100, 16, true))
    end
    assert.equal("[  ]", terminal.bar(0 / 0, 4, true))
  end)

  it("writes times and counts", function()
    local times = {[0.04] = "0.0 s", [9.94] = "9.9 s", [9.96] = "10 s", [59.4] = "59 s",
      [59.6] = "1:00", [3599] = "59:59", [3600] = "1:00:00", [1e12] = "?", [1 / 0] = "?"}
    for v, text in pairs(times) do assert.equal(text, terminal.duration(v)) end
    local counts = {[0] = "0", [999] = "999", [1234] = "1.2k", [2.5e6] = "2.5M", [1 / 0] = "?"}
    for v, text in pairs(counts) do assert.equal(text, terminal.count(v)) end
  end)
end)
