-- layers_golden_spec.lua: layers against outputs and gradients that PyTorch computed
-- (tests/golden/layers.txt, made by layers.py beside it), in float64 and in float32.

local nn = require "nn"

local here = debug.getinfo(1, "S").source:match("^@(.*)spec/[^/]*$") or ""

local function tensor(values, shape, dtype)
  if #values == 0 then return nn.zeros(shape, {dtype = dtype}) end
  return nn.tensor(values, {dtype = dtype}):reshape(table.unpack(shape))
end

local function product(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

-- Every element within tol of the largest one's size.
local function compare(what, want, got, tol)
  local list = got:reshape(-1):totable()
  assert.equal(#want, #list, what)
  local largest = 1
  for _, v in ipairs(want) do largest = math.max(largest, math.abs(v)) end
  for i, v in ipairs(want) do
    local apart = math.abs(v - list[i])
    if apart ~= apart or apart > tol * largest then
      error(("%s[%d] is %.17g, PyTorch has %.17g"):format(what, i, list[i], v), 0)
    end
  end
end

-- Results of a layer as one list, a state of several taken apart.
local function flat(...)
  local list = {}
  for _, v in ipairs {...} do
    if nn.is_tensor(v) then
      list[#list + 1] = v
    else
      for _, t in ipairs(v) do list[#list + 1] = t end
    end
  end
  return list
end

local function call(m, x)
  if m:_class() == "LSTM" and #x == 3 then return flat(m(x[1], {x[2], x[3]})) end
  return flat(m(table.unpack(x)))
end

local function weights(y)
  local list = {}
  for i = 1, y:numel() do list[i] = ((i - 1) % 5 + 1) / 4 end
  return nn.tensor(list, {dtype = y:dtype()}):reshape(table.unpack(y:size()))
end

local function check(case, dtype, tol)
  local m = assert(load("local nn = require 'nn' return " .. case.code))():to(dtype)
  if case.eval then m:eval() end
  local names, leaves, x = {}, {}, {}
  for i, entry in ipairs(case.tensors) do
    names[i] = entry[1]
    local t = m[entry[1]]
    assert.same(entry[2], t:size(), entry[1])
    nn.no_grad(function() t:copy_(tensor(entry[3], entry[2], dtype)) end)
  end
  for i, input in ipairs(case.inputs) do
    x[i] = tensor(input[3], input[2], input[1] == "float" and dtype or input[1])
    if input[1] == "float" then leaves[#leaves + 1] = x[i]:requires_grad_(true) end
  end
  for i, entry in ipairs(m:named_parameters()) do
    assert.equal(names[i], entry.name)
    leaves[#leaves + 1] = entry.tensor
  end
  local results, loss = call(m, x), 0
  assert.equal(#case.results, #results)
  for i, want in ipairs(case.results) do
    assert.same(want[2], results[i]:size())
    compare("result " .. i, want[3], results[i], tol)
    loss = loss + (results[i] * weights(results[i])):sum()
  end
  loss:backward()
  assert.equal(#case.grads, #leaves)
  for i, want in ipairs(case.grads) do
    assert.equal(#want, product(leaves[i]:size()))
    compare("gradient " .. i, want, leaves[i].grad, tol)
  end
  for _, entry in ipairs(case.after) do compare(entry[1], entry[3], m[entry[1]], tol) end
end

describe("PyTorch's layers", function()
  local count = 0
  for line in assert(io.lines(here .. "tests/golden/layers.txt")) do
    local case = assert(load("return " .. line))()
    count = count + 1
    it(("%d: %s%s"):format(count, case.code, case.eval and " in eval mode" or ""), function()
      check(case, "float64", 1e-10)
      check(case, "float32", 1e-4)
    end)
  end
end)
