-- Ctrl-C stops Lua code of any kind at the first press: each script runs in a process of its own,
-- says that it is under way, and gets one SIGINT.

local tools = dofile "spec/tools.lua"
local nnlua, read = tools.nnlua, tools.read

-- Runs the code, waits for its first output, sends the signal; gives its output, its errors and the
-- exit code as a shell shows it. What does not end within ten seconds is killed (137).
local function interrupt(code, signal)
  local script = os.tmpname()
  local f = assert(io.open(script, "w"))
  f:write("io.stdout:setvbuf 'no' print 'go'\n", code)
  f:close()
  local command = ([[
    # sh starts jobs in the background with SIGINT ignored; env gives it back its default
    env --default-signal=INT "%s" %s >%s.out 2>%s.err & p=$!
    n=0
    while [ ! -s %s.out ] && [ $n -lt 1000 ]; do sleep 0.01; n=$((n + 1)); done
    sleep 0.05
    kill -%s $p
    (sleep 10; kill -KILL $p) 2>/dev/null >/dev/null & w=$!
    wait $p; rc=$?
    kill $w 2>/dev/null
    exit $rc]]):format(nnlua, script, script, script, script, signal or "INT")
  local _, _, rc = os.execute(command)
  local out, err = read(script .. ".out"), read(script .. ".err")
  for _, suffix in ipairs {"", ".out", ".err"} do os.remove(script .. suffix) end
  return (out:gsub("^go\n", "")), err, rc
end

local loops = {
  {"a loop", "while true do end"},
  {"a coroutine", "coroutine.wrap(function() while true do end end)()"},
  {"what follows a coroutine",
    "coroutine.resume(coroutine.create(function() while true do end end)) while true do end"},
  {"pcall in a loop", "while true do pcall(function() while true do end end) end"},
  {"coroutines in a loop", [[while true do
    local co = coroutine.create(function() while true do pcall(error) end end)
    coroutine.resume(co)
  end]]},
  {"a coroutine made before", [[
    local co = coroutine.create(function() while true do coroutine.yield() end end)
    while true do coroutine.resume(co) end]]},
  {"__close", "local t <close> = setmetatable({}, {__close = function() while true do end end})"},
  {"__close on the way out", [[
    local t <close> = setmetatable({}, {__close = function() while true do end end})
    while true do end]]},
  {"__tostring", "print(setmetatable({}, {__tostring = function() while true do end end}))"},
  {"__tostring of an error",
    "error(setmetatable({}, {__tostring = function() while true do end end}))"},
  {"a message handler", "while true do xpcall(error, function() while true do end end) end"},
  {"a loop with such a handler",
    "while true do xpcall(function() while true do end end, function() while true do end end) end"},
  {"one that removes hooks", "while true do debug.sethook() end"},
  {"a comparison in table.sort",
    "table.sort({1, 2, 3, 4, 5, 6, 7, 8}, function() while true do end end)"},
  {"endless recursion of pcall",
    "local function f() return pcall(f) end while true do pcall(f) end"},
  {"matrix products", "local x = nn.randn(200, 200) while true do nn.matmul(x, x) end"},
  {"caught errors of the core",
    "local x = nn.rand(1000000) while true do pcall(nn.sort, x) pcall(nn.exp, x) end"},
  {"a function of ours that calls back",
    "nn.numeric_grad(function() while true do end end, nn.zeros(2))"},
}

describe("Ctrl-C", function()
  for _, case in ipairs(loops) do
    it("stops " .. case[1], function()
      local out, err, rc = interrupt(case[2])
      assert.equal("", out)
      assert.matches("interrupted", err)
      assert.equal(130, rc)
    end)
  end

  it("lets __close methods finish", function()
    local out, _, rc = interrupt [[
      local t <close> = setmetatable({}, {__close = function() print "closed" end})
      while true do end]]
    assert.equal("closed\n", out)
    assert.equal(130, rc)
  end)

  it("can be caught by a script that then ends", function()
    local out, err, rc = interrupt [[print(pcall(function() while true do end end))]]
    assert.matches("^false\t.*interrupted!\n$", out)
    assert.equal("", err)
    assert.equal(0, rc)
  end)

  it("leaves modes as they were while it unwinds", function()
    local out = interrupt [[
      local Slow = nn.Module:extend "Slow"
      function Slow:forward() while true do end end
      local model = Slow()
      pcall(nn.evaluate, model, nn.data.line(), {loss = nn.MSELoss()})
      print(model.training)]]
    assert.equal("true\n", out)
  end)

  it("waits for what holds it, which may obey", function()
    local out, err, rc = interrupt [[
      local interrupts = require "nn.core".interrupts
      interrupts.hold()
      local n = 0
      while not interrupts.pending() do n = n + 1 end
      local x = nn.ones(1000, 1000):matmul(nn.ones(1000, 1000)) -- the core is not stopped either
      interrupts.obey()
      interrupts.release()
      local t = nn.time()
      while nn.time() < t + 0.2 do n = n + 1 end
      print("obeyed", x[1][1])]]
    assert.equal("", err)
    assert.equal("obeyed\t1000.0\n", out)
    assert.equal(0, rc)
  end)

  it("acts when what held it lets go without obeying", function()
    local out, err, rc = interrupt [[
      local interrupts = require "nn.core".interrupts
      interrupts.hold()
      while not interrupts.pending() do end
      interrupts.release()
      while true do end]]
    assert.equal("", out)
    assert.matches("interrupted!", err)
    assert.equal(130, rc)
  end)

  it("leaves SIGTERM its meaning, which a holder may delay", function()
    local _, err, rc = interrupt("while true do end", "TERM")
    assert.equal("", err)
    assert.equal(143, rc)
    local out
    out, _, rc = interrupt([[
      local interrupts = require "nn.core".interrupts
      interrupts.hold()
      while not interrupts.pending() do end
      print "saved"
      interrupts.obey()
      interrupts.release()
      while true do end]], "TERM")
    assert.equal("saved\n", out)
    assert.equal(143, rc)
  end)
end)
