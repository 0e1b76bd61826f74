-- An operation of one's own, with a gradient of one's own: weights of -1 and +1.
--
--   nnlua examples/custom_operation.lua [--epochs 60] [--out folder] [--seed 0]
--
-- sign(w) is flat, its true gradient is 0 and nothing would learn. The straight-through trick of
-- Bengio, Leonard and Courville (2013) hands the gradient on, where |w| <= 1, as if sign were not
-- there.
local nn = require "nn"
local opt = nn.args {epochs = 60, out = ".", seed = 0}
nn.seed(opt.seed)

local binarize = nn.func {
  forward = function(ctx, w)
    ctx.w = w
    return nn.where(w:ge(0), 1, -1)
  end,
  backward = function(ctx, dy)
    return dy * ctx.w:abs():le(1):to(dy:dtype())
  end,
}

-- A gradient that is exact can be checked: here is a cube with its own backward.
local cube = nn.func {
  forward = function(ctx, x)
    ctx.x = x
    return x ^ 3
  end,
  backward = function(ctx, dy) return dy * 3 * ctx.x ^ 2 end,
}
print("cube: gradcheck", nn.gradcheck(cube, {nn.randn(5)}))

local Binary = nn.Module:extend "Binary"
function Binary:init(inputs, outputs)
  self.weight = nn.Parameter(nn.randn(outputs, inputs) * 0.1)
end
function Binary:forward(x)
  return x:matmul(binarize(self.weight):t()) * (1 / self.weight:size(2) ^ 0.5)
end

local train, test = nn.data.digits():split {0.8, 0.2, seed = opt.seed}
local scale = nn.data.Standardize():fit(train)
train, test = scale(train), scale(test)

local function learn(name, make)
  local model = nn.Sequential {nn.Flatten(), make(64, 128), nn.BatchNorm1d(128), nn.ReLU(),
    make(128, 10)}
  nn.fit(model, train, {loss = nn.CrossEntropyLoss(), epochs = opt.epochs,
    optimizer = nn.optim.Adam(model:parameters(), {lr = 5e-3})})
  local accuracy = nn.evaluate(model, test, {metrics = {"accuracy"}}).accuracy
  print(("%-22s %.1f %%"):format(name, 100 * accuracy))
  return model, accuracy
end
local plain, a = learn("weights of 32 bits", nn.Linear)
local binary, b = learn("weights of one bit", Binary)

nn.plot.grid({
  nn.plot {title = "Accuracy in %", yrange = {80, 100}}
    :bar {{"32 bits", 100 * a}, {"1 bit", 100 * b}},
  nn.plot {title = "The first layer, 32 bits"}:images(plain[2].weight:narrow(1, 1, 16),
    {shape = {8, 8}}),
  nn.plot {title = "and one bit"}:images(binarize(binary[2].weight):detach():narrow(1, 1, 16),
    {shape = {8, 8}}),
}, {out = opt.out .. "/custom_operation.svg"})
