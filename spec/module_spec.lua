-- nn.Module:extend, nn.Parameter, and what every module can do, in C or in Lua.

local nn = require "nn"

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return err
end

local function names_of(m)
  local list = {}
  for i, entry in ipairs(m:named_parameters()) do list[i] = entry.name end
  return table.concat(list, " ")
end

local function keys_of(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return table.concat(keys, " ")
end

local Block = nn.Module:extend "Block"
function Block:init(n)
  self.fc = nn.Linear(n, n)
  self.scale = nn.Parameter(nn.ones(n))
  self.seen = nn.zeros(1)
end
function Block:forward(x) return x + self.fc(x):relu() * self.scale end

describe("nn.Module:extend", function()
  it("makes classes whose instances are called on tensors", function()
    local b = Block(2)
    local y = b(nn.ones(3, 2))
    assert.same({3, 2}, y:size())
    assert.same(y:totable(), b:forward(nn.ones(3, 2)):totable())
    assert.equal("class Block", tostring(Block))
  end)

  it("makes classes of classes", function()
    local Sub = Block:extend "Sub"
    function Sub:init(n)
      Block.init(self, n)
      self.last = nn.Linear(n, 1)
    end
    function Sub:forward(x) return self.last(Block.forward(self, x)) end
    local s = Sub(2)
    assert.same({3, 1}, s(nn.ones(3, 2)):size())
    assert.equal("fc.weight fc.bias scale last.weight last.bias", names_of(s))
    assert.matches("^Sub{\n", tostring(s))
    local Plain = Block:extend "Plain"
    assert.equal("fc.weight fc.bias scale", names_of(Plain(2)))
  end)

  it("says what is missing or wrong", function()
    local Empty = nn.Module:extend "Empty"
    assert.matches("module_spec.lua:%d+: Empty has no forward: define function Empty:forward%(x%)",
      message(Empty(), nn.ones(1)))
    assert.matches('extend: called on the string "X"; call it with a colon',
      message(nn.Module.extend, "X"))
    assert.matches("extend: the name must be a string, got 3",
      message(function() nn.Module:extend(3) end))
    assert.matches("parameters: called on nil; it wants a module %(call it with a colon",
      message(Block.parameters))
    assert.matches("Parameter: expected a tensor, got a table", message(nn.Parameter, {}))
  end)

  it("trains inside a Sequential", function()
    local model = nn.Sequential {Block(2), nn.Linear(2, 1), function(x) return x * 2 end}
    model(nn.ones(3, 2)):sum():backward()
    assert.equal("1.fc.weight 1.fc.bias 1.scale 2.weight 2.bias", names_of(model))
    for _, p in ipairs(model:parameters()) do assert.is_truthy(p.grad) end
    model:zero_grad()
    for _, p in ipairs(model:parameters()) do assert.is_nil(p.grad) end
  end)
end)

describe("parameters", function()
  it("come in order of first assignment, lists in order, string keys sorted", function()
    local M = nn.Module:extend "M"
    function M:init()
      self.z = nn.Linear(1, 1, {bias = false})
      self.parts = {nn.Linear(1, 1), {b = nn.Parameter(nn.ones(1)), a = nn.Parameter(nn.ones(1))}}
      self.a = nn.ones(2):requires_grad_()
      self.z = nn.Linear(2, 1, {bias = false})
    end
    assert.equal("z.weight parts.1.weight parts.1.bias parts.2.a parts.2.b a", names_of(M()))
    assert.equal(1 * 2 + 2 + 2 + 2, M():parameter_count())
  end)

  it("stay parameters when frozen", function()
    local b = Block(2)
    assert.equal(b, b:requires_grad_(false))
    assert.equal("fc.weight fc.bias scale", names_of(b))
    for _, p in ipairs(b:parameters()) do assert.is_false(p.requires_grad) end
    b.scale = nn.zeros(2)
    assert.equal("fc.weight fc.bias scale", names_of(b))
    b:requires_grad_()
    for _, p in ipairs(b:parameters()) do assert.is_true(p.requires_grad) end
    assert.is_false(b.seen.requires_grad)
    local frozen = nn.Module:extend()()
    frozen.w = nn.Parameter(nn.ones(1), {requires_grad = false})
    assert.equal("w", names_of(frozen))
  end)

  it("are neither buffers nor kept results", function()
    local b = Block(2)
    b.hidden = b(nn.ones(1, 2))
    assert.equal("fc.weight fc.bias scale", names_of(b))
    assert.equal("fc.bias fc.weight scale seen", keys_of(b:state()))
    assert.equal("fc.bias fc.weight scale seen", keys_of(b:clone():state()))
  end)

  it("count once when tied", function()
    local fc = nn.Linear(3, 3)
    local model = nn.Sequential {fc, nn.ReLU(), fc}
    assert.equal("1.weight 1.bias", names_of(model))
    assert.equal(12, model:parameter_count())
    local M = nn.Module:extend "M"
    function M:init()
      self.one = nn.Linear(2, 2)
      self.two = nn.Linear(2, 2)
      self.two.weight = self.one.weight
      self.me = self
    end
    assert.equal("one.weight one.bias two.bias", names_of(M()))
  end)
end)

describe("modes", function()
  it("reach every module", function()
    local b = Block(2)
    b.drop = {nn.Dropout(0.5)}
    local model = nn.Sequential {b, nn.Dropout(0.5)}
    assert.is_true(model.training and b.training and b.drop[1].training)
    assert.equal(model, model:eval())
    assert.is_false(model.training or b.training or b.drop[1].training or model[2].training)
    model:train()
    assert.is_true(model.training and b.training and b.drop[1].training and model[2].training)
  end)
end)

describe("state", function()
  it("is a copy that loads again, buffers included", function()
    local a, b = Block(2), Block(2)
    a.seen:fill_(7)
    local state = a:state()
    assert.equal("fc.bias fc.weight scale seen", keys_of(state))
    a.fc.weight:detach():zero_()
    assert.equal(b, b:load_state(state))
    assert.equal(7, b.seen[1])
    assert.same(state["fc.weight"]:totable(), b.fc.weight:totable())
    assert.not_same(a.fc.weight:totable(), b.fc.weight:totable())
    assert.is_true(b.fc.weight.requires_grad)
  end)

  it("keeps the tensors that an optimizer holds", function()
    local model = nn.Linear(2, 1)
    local optimizer = nn.optim.SGD(model:parameters(), {lr = 1})
    local weight = model.weight
    model:load_state {weight = nn.zeros(1, 2), bias = nn.zeros(1)}
    assert.equal(weight, model.weight)
    model(nn.ones(1, 2)):sum():backward()
    optimizer:step()
    assert.same({{-1, -1}}, model.weight:totable())
  end)

  it("is refused whole, with all that is wrong", function()
    local b = Block(2)
    local before = b:state()
    local err = message(b.load_state, b,
      {scale = nn.zeros(3), ["fc.bias"] = 1, seen = nn.ones(1), more = nn.ones(1)})
    assert.matches("load_state: this state does not fit the model, which is unchanged:\n"
      .. "  missing: fc.weight %(2x2%)\n"
      .. "  no tensor: fc.bias is 1\n"
      .. "  wrong shape: scale is 3, must be 2\n"
      .. "  not in the model: more$", err)
    for name, t in pairs(b:state()) do assert.same(before[name]:totable(), t:totable()) end
  end)

  it("may be partial when not strict", function()
    local b = Block(2)
    b:load_state({seen = nn.full({1}, 3), more = nn.ones(1)}, {strict = false})
    assert.equal(3, b.seen[1])
    assert.matches("wrong shape: seen is 2, must be 1",
      message(b.load_state, b, {seen = nn.ones(2)}, {strict = false}))
    assert.matches("load_state: there is no option 'stric'; did you mean 'strict'%?",
      message(b.load_state, b, {}, {stric = false}))
    assert.matches("load_state: expected a table of tensors by name, got 3",
      message(b.load_state, b, 3))
  end)
end)

describe("clone", function()
  it("has the same values and its own tensors", function()
    local model = nn.Sequential {nn.Flatten(), Block(2), nn.Dropout(0.25), nn.Linear(2, 1)}
    model[2].scale:requires_grad_(false)
    model:eval()
    local copy = model:clone()
    assert.equal(tostring(model), tostring(copy))
    assert.equal(0.25, copy[3].p)
    assert.is_false(copy.training or copy[2].training or copy[3].training)
    assert.is_false(copy[2].scale.requires_grad)
    assert.equal(names_of(model), names_of(copy))
    local x = nn.randn(3, 2)
    assert.same(model(x):totable(), copy(x):totable())
    model[4].weight:detach():zero_()
    assert.not_same(model(x):totable(), copy(x):totable())
  end)

  it("keeps together what is shared", function()
    local fc = nn.Linear(2, 2)
    local shared = {nn.ReLU()}
    local b = Block(2)
    b.list, b.same, b.fc = shared, shared, fc
    b.me = b
    local copy = nn.Sequential {b, fc}:clone()
    assert.equal(copy[1].fc, copy[2])
    assert.not_equal(fc, copy[2])
    assert.equal(copy[1].list, copy[1].same)
    assert.not_equal(shared, copy[1].list)
    assert.equal(copy[1], copy[1].me)
  end)

  it("draws nothing from the random streams", function()
    nn.seed(3)
    local _, first = nn.Linear(4, 4), nn.Linear(4, 4).weight:totable()
    nn.seed(3)
    nn.Linear(4, 4):clone()
    assert.same(first, nn.Linear(4, 4).weight:totable())
  end)
end)

describe("to", function()
  it("changes floating tensors and what they are stays", function()
    local b = Block(2)
    b.count = nn.zeros({1}, {dtype = "int64"})
    b.fc.bias:requires_grad_(false)
    assert.equal(b, b:to("float64"))
    assert.equal("float64", b.fc.weight:dtype())
    assert.equal("float64", b.seen:dtype())
    assert.equal("int64", b.count:dtype())
    assert.is_true(b.fc.weight.requires_grad)
    assert.is_false(b.fc.bias.requires_grad)
    assert.equal("fc.weight fc.bias scale", names_of(b))
    b(nn.ones({1, 2}, {dtype = "float64"})):sum():backward()
    assert.is_truthy(b.scale.grad)
    assert.matches('to: a module is "float32" or "float64", got the string "int64"',
      message(b.to, b, "int64"))
  end)

  it("keeps tied tensors tied", function()
    local fc = nn.Linear(2, 2)
    local model = nn.Sequential {fc, nn.Linear(2, 2)}
    model[2].weight = fc.weight
    model:to("float64")
    assert.equal(model[1].weight, model[2].weight)
  end)
end)

describe("apply", function()
  it("visits each module once, children first", function()
    local fc, b = nn.Linear(2, 2), Block(2)
    local model = nn.Sequential {b, fc, fc}
    local seen = {}
    assert.equal(model, model:apply(function(m) seen[#seen + 1] = m end))
    assert.equal(4, #seen)
    assert.equal(model, seen[4])
    assert.matches("apply: expected a function, got nil", message(model.apply, model))
  end)
end)

describe("tostring", function()
  it("is a tree", function()
    local b = Block(2)
    b.list = {nn.Tanh()}
    assert.equal([[
Sequential{
  1: Block{
    fc: Linear(2, 2)
    scale: parameter float32 2
    seen: buffer float32 1
    list.1: Tanh()
  }
  2: Sequential{
    1: Dropout(0.5)
  }
  3: function
}]], tostring(nn.Sequential {b, nn.Sequential {nn.Dropout(0.5)}, function(x) return x end}))
    assert.equal("Sequential{}", tostring(nn.Sequential {}))
    local Named = nn.Module:extend "Named"
    function Named:__tostring() return "mine " .. tostring(self.training) end
    assert.equal("mine true", tostring(Named()))
  end)
end)
