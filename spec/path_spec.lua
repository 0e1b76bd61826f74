-- path_spec.lua: an error in a model says where in it: the path from the outermost module, and the
-- script's line.

local nn = require "nn"

local Block = nn.Module:extend "Block"
function Block:init(n)
  self.fc = nn.Linear(n, n)
  self.parts = {nn.Linear(n, n), {deep = nn.Sequential {nn.Tanh(), nn.Linear(n + 1, n)}}}
end
function Block:forward(x) return x + self.fc(x) end

-- Calls its part in the last place, so that its own call is gone.
local Tail = nn.Module:extend "Tail"
function Tail:init(n) self.inner = Block(n) end
function Tail:forward(x) return self.inner(x) end

local Odd = nn.Module:extend "Odd" -- a forward that is not written with a colon
function Odd:init() self.block = Block(4) end
function Odd.forward(me, x) return me.block.parts[2].deep(x) end

local Own = nn.Module:extend "Own" -- an operation of its own that does not fit
function Own.forward(_, x) return x:matmul(nn.zeros(7, 2)) end

local five = nn.zeros(2, 5)

-- The error's line and text.
local function failure(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  local line, text = err:match "path_spec.lua:(%d+): (.*)$"
  assert.truthy(line, err)
  return text, math.tointeger(line)
end

-- That the text begins like this.
local function fails(expected, f, ...)
  local text = failure(f, ...)
  assert.equal(expected, text:sub(1, #expected))
end

describe("an error in a model", function()
  it("names the layer of a Sequential, through any number of them", function()
    fails("Linear(4, 4): the input's", nn.Linear(4, 4), five)
    fails("Sequential[2]: Linear(4, 4): the input's", nn.Sequential {nn.ReLU(), nn.Linear(4, 4)},
      five)
    fails("Sequential[2][1][3]: Linear(4, 4): ", nn.Sequential {nn.ReLU(),
      nn.Sequential {nn.Sequential {nn.ReLU(), nn.ReLU(), nn.Linear(4, 4)}}}, five)
    fails("Sequential[1]: LSTM(3, 4): the input must be", nn.Sequential {nn.LSTM(3, 4)}, five)
  end)

  it("names fields, lists and tables of a module in Lua, and the script's line", function()
    local text, line = failure(nn.Sequential {nn.Linear(5, 5), nn.ReLU(), Block(4)}, five)
    assert.equal("Sequential[3].fc: Linear(4, 4): the input's last dimension must be 4, got 2x5",
      text)
    assert.equal(debug.getinfo(Block.forward, "S").linedefined, line)
    fails("Block.fc: Linear(4, 4): ", Block(4), five)
    fails("Odd.block.parts.2.deep[2]: Linear(5, 4): ", Odd(), nn.zeros(2, 4))
    fails("Sequential[1].block.parts.2.deep[2]: Linear(5, 4): ", nn.Sequential {Odd()},
      nn.zeros(2, 4))
  end)

  it("finds the way when calls in the last place have left no trace", function()
    fails("Tail.inner.fc: Linear(4, 4): ", Tail(4), five)
    fails("Sequential[1][2].inner.fc: Linear(4, 4): ",
      nn.Sequential {nn.Sequential {nn.ReLU(), Tail(4)}}, five)
  end)

  it("names the module whose operation or function failed", function()
    fails("Sequential[2]: matmul: 2x5 by 7x2", nn.Sequential {nn.ReLU(), Own()}, five)
    fails("matmul: 2x5 by 7x2", Own(), five)
    fails("Sequential[2]: view: 2x5 has 10 elements", nn.Sequential {function(x) return x end,
      function(x) return x:view(7) end}, five)
    fails("Sequential[1]: view: 2x5",
      nn.Sequential {nn.Lambda(function(x) return x:view(7) end)}, five)
    fails("Sequential[1]: a module in a container must return a tensor, got 3",
      nn.Sequential {function() return 3 end}, five)
  end)

  it("tells the places of one function apart", function()
    local calls = 0
    local function once(x)
      calls = calls + 1
      return calls == 3 and x:view(7) or x
    end
    fails("Sequential[3]: view: ", nn.Sequential {once, once, once, once}, five)
  end)

  it("goes through Residual, Concat, Parallel and Lambda", function()
    fails("Residual[1][2]: Linear(4, 4): ",
      nn.Residual(nn.Sequential {nn.ReLU(), nn.Linear(4, 4)}), five)
    fails("Sequential[1]: Residual: what is added must have the input's shape",
      nn.Sequential {nn.Residual(nn.Linear(5, 4))}, five)
    fails("Sequential[1][2]: Linear(6, 4): ",
      nn.Sequential {nn.Concat {nn.Linear(5, 4), nn.Linear(6, 4)}}, five)
    fails("Sequential[1][2]: must return a tensor, got 3",
      nn.Sequential {nn.Concat {nn.Linear(5, 4), function() return 3 end}}, five)
    fails("Parallel[2][1]: Linear(6, 4): ",
      nn.Parallel {nn.Linear(5, 4), nn.Sequential {nn.Linear(6, 4)}}, {five, five})
  end)

  it("is the same from fit, predict, summary and a coroutine", function()
    local m = nn.Sequential {nn.Linear(5, 5), Block(4)}
    local expected = "Sequential[2].fc: Linear(4, 4): "
    fails(expected, m.predict, m, five)
    fails(expected, m.summary, m, {5})
    fails(expected, coroutine.wrap(m.forward), m, five)
    fails(expected, nn.fit, m, nn.data.tensors(nn.zeros(8, 5), nn.zeros(8, 4)),
      {loss = nn.MSELoss(), optimizer = nn.optim.SGD(m:parameters(), {lr = 0.1}), epochs = 1,
        progress = false})
  end)

  it("leaves errors elsewhere alone, and error values as they are", function()
    local self = Block(4) -- a variable of that name in a function that is no method
    fails("view: 3 has 3 elements", function()
      return self and nn.zeros(3):view(2)
    end)
    local mine = {}
    local ok, err = pcall(nn.Sequential {nn.Sequential {function() error(mine) end}}, five)
    assert.is_false(ok)
    assert.equal(mine, err)
    local _, text = pcall(nn.Sequential {function() error("as it is", 0) end}, five)
    assert.equal("as it is", text)
  end)

  it("stops at a model that is not a part of the one that runs it", function()
    local other = nn.Sequential {nn.Linear(7, 7)}
    fails("Sequential[1]: Linear(7, 7)", function() other(five) end)
    fails("Sequential[2]: Sequential[1]: Linear(7, 7)",
      nn.Sequential {nn.ReLU(), function(x) return other(x) end}, five)
  end)
end)
