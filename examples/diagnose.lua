-- diagnose.lua: eight things that commonly go wrong, planted one at a time in a small network for
-- handwritten digits, and what nn.diagnose says of each; of the healthy network it says nothing.
--
--   nnlua examples/diagnose.lua
local ce = nn.CrossEntropyLoss()

-- The healthy case: a model, its data, an optimizer that suits it.
local function healthy()
  nn.seed(1)
  local case = {}
  case.train, case.val = nn.data.digits():split{0.8, 0.2}
  case.model = nn.Sequential{nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)}
  case.optimizer = function(params) return nn.optim.Adam(params, {lr = 1e-3}) end
  return case
end

-- A chain of layers with an activation between each two.
local function deep(activation, depth, width)
  local model = nn.Sequential{nn.Flatten(), nn.Linear(64, width)}
  for _ = 1, depth do model:add(activation()):add(nn.Linear(width, width)) end
  return model:add(activation()):add(nn.Linear(width, 10))
end

-- Each plants one fault and returns the finding that it has to be.
local faults = {
  function(case)
    nn.no_grad(function() case.model[2].bias:fill_(-20) end)
    return "dead ReLUs"
  end,
  function(case)
    case.model[3] = nn.Tanh()
    nn.init.normal(case.model[2].weight, {std = 5})
    return "saturated units"
  end,
  function(case)
    case.model = deep(nn.Sigmoid, 8, 24)
    return "vanishing gradients"
  end,
  function(case)
    case.model = deep(nn.ReLU, 8, 24)
    for i = 2, #case.model, 2 do
      nn.init.normal(case.model[i].weight, {std = i == 2 and 1e-3 or 2})
    end
    return "exploding gradients"
  end,
  function(case)
    case.optimizer = function(params) return nn.optim.SGD(params, {lr = 30}) end
    return "learning rate too high"
  end,
  function(case)
    case.train = case.train:map(function(x, y) return x * 255, y end)
    return "unscaled inputs"
  end,
  function(case)
    local rare = case.train.y:eq(9)
    rare[{{1, 1350}}] = rare[{{1, 1350}}] * 0
    case.train = case.train:subset(case.train.y:ne(9) | rare)
    return "classes out of balance"
  end,
  function(case)
    case.train = case.train:concat(case.val:subset(nn.range(1, 100):to "int64"))
    return "leak: validation rows in the training data"
  end,
}

local function examine(case)
  return nn.diagnose(case.model, case.train, ce, {validation = case.val,
    optimizer = case.optimizer(case.model:parameters())})
end

local case = healthy()
assert(#examine(case) == 0, "a new network is healthy")
nn.fit(case.model, case.train, {loss = ce, epochs = 20,
  optimizer = case.optimizer(case.model:parameters())})
assert(#examine(case) == 0, "so is a trained one")
print "the healthy network, new and trained: nothing wrong was found\n"

local found = 0
for number, plant in ipairs(faults) do
  local sick = healthy()
  local planted = plant(sick)
  local told
  for _, finding in ipairs(examine(sick).findings) do
    if finding.finding == planted then told = finding end
  end
  print(("%d. planted: %s"):format(number, planted))
  if told then
    found = found + 1
    print(("   found in %s: %s\n   cure: %s"):format(told.where, told.evidence, told.cure))
  else
    print "   not found"
  end
end
print(("\n%d of %d planted faults found"):format(found, #faults))
