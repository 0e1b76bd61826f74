-- Exclusive or: what no single line can part, and the smallest network that learns it.
--
--   nnlua examples/xor.lua [--hidden 4] [--epochs 500] [--out folder] [--seed 0]
local nn = require "nn"
local opt = nn.args {hidden = 4, epochs = 500, out = ".", seed = 0}

local data = nn.data.xor {n = 4, noise = 0} -- (0, 0), (0, 1), (1, 0), (1, 1)
local target = data.y:to("float32"):sub(1):view(4, 1) -- labels 1, 2 as 0, 1

local function learn(model)
  local optimizer, loss = nn.optim.Adam(model:parameters(), {lr = 0.05}), nn.BCEWithLogitsLoss()
  for _ = 1, opt.epochs do
    optimizer:zero_grad()
    local J = loss(model(data.x), target)
    J:backward()
    optimizer:step()
  end
  return model, loss(model(data.x), target):item()
end

nn.seed(opt.seed)
local line, stuck = learn(nn.Sequential {nn.Linear(2, 1)})
local net, left = learn(nn.Sequential {nn.Linear(2, opt.hidden), nn.Tanh(),
  nn.Linear(opt.hidden, 1)})

print "x1 x2   xor   one layer   with a hidden layer"
for i = 1, 4 do
  local x = data.x:narrow(1, i, 1)
  print(("%2d %2d   %3d   %9.3f   %19.3f"):format(data.x[i][1], data.x[i][2], target[i][1],
    line(x):sigmoid():item(), net(x):sigmoid():item()))
end
print(("loss         %11.4f   %19.4f"):format(stuck, left))
-- One layer ends at 1/2 everywhere, and log 2 = 0.6931: that is no better than a coin.

local cloud = nn.data.xor {n = 200, noise = 0.1, seed = opt.seed}
nn.plot {title = "Exclusive or", xlabel = "x1", ylabel = "x2"}
  :boundary(net, cloud, {threshold = 0}):save(opt.out .. "/xor.svg")
