-- bench/works.lua: what `make bench` measures, and the bars: how many times PyTorch's best speed,
-- and which part of the bound's, is asked of nn.fit (`fit`) and of the plain loop in Lua (`loop`).
-- `asks`: what the contestants without that variant of a work are asked instead. `batch` is the
-- size of the tensor where there is no batch. `unit` samples/s counts batch samples a step.

local M = 10000000

local function net(name, batch, torch_fit, of_bound, loop_part)
  return {name = name, batch = batch, unit = "samples/s",
    torch = {fit = torch_fit, loop = loop_part and loop_part * torch_fit}, bound = {fit = of_bound}}
end

local function call(name, size, torch_loop, of_bound)
  return {name = name, batch = size, unit = "steps/s", torch = {loop = torch_loop},
    bound = {loop = of_bound}}
end

return {
  net("seed-net", 1, 28, 0.45, 0.6), net("seed-net", 10, 18, 0.58, 0.6),
  net("seed-net", 100, 4, 1.1, 0.6),
  net("mlp", 32, 2.5, 0.62, 0.95), net("mlp", 128, 1.8, 0.78, 0.95),
  net("mlp", 1024, 1.3, 0.90, 0.95),
  net("cnn", 64, 1.3, 0.75), net("cnn-inference", 64, 1), net("lenet", 64, 2, 0.55),
  net("lstm", 128, 2, 0.75),
  {name = "tiny", batch = 4, unit = "steps/s", torch = {fit = 180, loop = 40}, bound = {}},
  {name = "tiny-epochs", batch = 4, unit = "steps/s", asks = "tiny", torch = {}, bound = {}},
  {name = "line", batch = 7, unit = "steps/s", torch = {}, bound = {}},
  {name = "line-ops", batch = 7, unit = "steps/s", asks = "line", torch = {loop = 25}, bound = {}},
  call("SGD", M, 1, 0.9), call("momentum", M, 1.5, 0.9), call("Adagrad", M, 2, 0.9),
  call("RMSprop", M, 2.5, 0.9), call("Adadelta", M, 4, 0.9), call("Adam", M, 3.5, 0.9),
  call("tanh", M, 6), call("exp", M, 1), call("sigmoid", M, 1), call("add", M, 1),
  call("sum", M, 1), call("softmax", M, 1.2), call("relu", M), call("max", M),
  call("add", 1000, 2), call("sigmoid", 1000, 2), call("sum", 1000, 2),
}
