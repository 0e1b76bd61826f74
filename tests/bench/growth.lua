-- bench/growth.lua: how the cost of a training step grows with batch, width, depth and threads.
--
-- usage: build/nnlua tests/bench/growth.lua [directory]; prints the figures and, with a directory,
-- draws them there: growth-batch.svg, growth-width.svg, growth-depth.svg. About a minute.

local nn = require "nn"
local directory = arg[1]
if directory then os.execute(("mkdir -p '%s'"):format(directory)) end
local ROWS = 4096
local cores = math.tointeger(tonumber((nn.version().threads:match "%d+"))) or 1

local function network(inputs, width, depth)
  local layers, from = {}, inputs
  for _ = 1, depth do
    layers[#layers + 1] = nn.Linear(from, width)
    layers[#layers + 1] = nn.ReLU()
    from = width
  end
  layers[#layers + 1] = nn.Linear(from, 10)
  return nn.Sequential(layers)
end

-- Multiplications and additions of a step, a sample: forward, and backward for weights and inputs,
-- but for the first layer's inputs.
local function operations(inputs, width, depth)
  local weights = inputs * width + (depth - 1) * width * width + width * 10
  return 2 * (3 * weights - inputs * width)
end

-- Seconds a step: the best of a few short stretches, so that what else runs counts least.
local function step_time(inputs, width, depth, batch)
  nn.seed(1)
  local model = network(inputs, width, depth)
  local rows = math.max(batch, math.min(ROWS, 16 * batch))
  rows = rows // batch * batch
  local data = nn.data.tensors(nn.rand(rows, inputs), nn.randint(1, 10, {rows}))
  local options = {loss = nn.CrossEntropyLoss(), batch_size = batch, shuffle = false,
    optimizer = nn.optim.SGD(model:parameters(), {lr = 1e-3}), progress = false, epochs = 1}
  local best, spent = math.huge, 0
  for round = 0, 200 do
    local start = nn.time()
    nn.fit(model, data, options)
    local took = nn.time() - start
    if round > 0 then best, spent = math.min(best, took), spent + took end
    if round >= 3 and spent > 0.15 then break end
  end
  return best / (rows // batch)
end

local function powers(from, to)
  local list = {}
  while from <= to do
    list[#list + 1], from = from, from * 2
  end
  return list
end

-- One picture: `f(x)` gives seconds and operations of a step.
local function measure(name, title, unit, list, value, f)
  local curves, legend = {}, {}
  print(("\n%s (%s)"):format(title, unit))
  for threads = 1, cores do
    nn.threads(threads)
    local label = threads == 1 and "1 thread" or threads .. " threads"
    local curve = {x = {}, y = {}}
    legend[#legend + 1], curves[label] = label, curve
    for i, x in ipairs(list) do
      local seconds, work = f(x)
      curve.x[i], curve.y[i] = x, value(seconds, x)
      print(("  %-10s %6d  %10.4g   %8.2f us a step  %6.1f GFLOP/s"):format(label, x, curve.y[i],
        1e6 * seconds, 1e-9 * work / seconds))
    end
  end
  if directory then
    nn.plot.line(curves, {title = title, xlabel = name, ylabel = unit, xlog = true, ylog = true,
      points = true, legend = legend, out = ("%s/growth-%s.svg"):format(directory, name)})
  end
end

measure("batch", "784-512-512-10, by batch", "samples a second", powers(1, 2048),
  function(seconds, batch) return batch / seconds end,
  function(batch) return step_time(784, 512, 2, batch), batch * operations(784, 512, 2) end)
measure("width", "784-w-w-10 at a batch of 64, by width", "microseconds a step", powers(8, 2048),
  function(seconds) return 1e6 * seconds end,
  function(width) return step_time(784, width, 2, 64), 64 * operations(784, width, 2) end)
measure("depth", "layers of 64 at a batch of 16, by depth", "microseconds a step", powers(1, 64),
  function(seconds) return 1e6 * seconds end,
  function(depth) return step_time(64, 64, depth, 16), 16 * operations(64, 64, depth) end)
