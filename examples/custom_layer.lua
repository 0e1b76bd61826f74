-- A layer of one's own: a mixture of experts, in plain Lua.
--
--   nnlua examples/custom_layer.lua [--experts 4] [--epochs 600] [--out folder] [--seed 0]
--
-- Several small networks answer, and a gate says for each sample how much each of them counts. What
-- is a field of the module is found: parameters, layers within, training or not, saving.
local nn = require "nn"
local opt = nn.args {experts = 4, epochs = 600, out = ".", seed = 0}
nn.seed(opt.seed)

local Experts = nn.Module:extend "Experts"

function Experts:init(inputs, outputs, n)
  self.gate = nn.Linear(inputs, n)
  self.scale = nn.Parameter(nn.ones(1)) -- a parameter without a layer
  self.experts = {}
  for i = 1, n do
    self.experts[i] = nn.Sequential {nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs)}
  end
end

function Experts:forward(x)
  local share = self:shares(x) -- N x experts
  local sum
  for i, expert in ipairs(self.experts) do
    local part = expert(x) * share:narrow(2, i, 1)
    sum = sum and sum + part or part
  end
  return sum * self.scale
end

function Experts:shares(x) return self.gate(x):softmax(2) end -- any other methods, too

-- A curve that changes its nature twice.
local function curve(x)
  return nn.where(x:lt(-1), x * 2 + 3, nn.where(x:lt(1), (x * 6):sin(), x:square() * -1 + 1))
end
local x = nn.linspace(-3, 3, 301):view(-1, 1)
local data = nn.data.tensors(x, curve(x) + nn.randn(301, 1) * 0.1)

local model = Experts(1, 1, opt.experts)
print(("%d parameters; the first and the last:"):format(model:parameter_count()))
local named = model:named_parameters()
for _, p in ipairs {named[1], named[#named]} do
  print("  " .. p[1], table.concat(p[2].shape, "x"))
end
print("gradients", nn.gradcheck(model, {nn.randn(3, 1)}))

local history = nn.fit(model, data, {loss = nn.MSELoss(), epochs = opt.epochs,
  optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01})})
print(("loss %.4f; the noise alone leaves 0.0100"):format(history[#history].loss))

-- Saved and loaded: the file holds numbers and the name "Experts", the class is this script's.
local path = opt.out .. "/custom_layer.nn"
nn.save(path, model)
print("the same after loading", nn.equal(nn.load(path)(x), model(x)))

local shares, lines = model:shares(x):detach(), {}
for i = 1, opt.experts do lines["expert " .. i] = {x = x:view(-1), y = shares:select(2, i)} end
nn.plot.grid({
  nn.plot {title = "A curve of three kinds"}:scatter(data, {size = 2, color = "grey"})
    :line({x = x:view(-1), y = model(x):detach():view(-1)}, {color = "red"}),
  nn.plot {title = "Who answers where"}:line(lines),
}, {out = opt.out .. "/custom_layer.svg"})
