-- optimizer_race.lua: which optimizer? The two pictures of the chapter on training, a ravine and a
-- saddle with seven methods on them, then a fair comparison of all optimizers on handwritten
-- digits.
--
--   nnlua examples/optimizer_race.lua [--out .] [--seeds 5] [--epochs 12]
--
-- writes ravine.svg, saddle.svg (and ravine_moving.svg, saddle_moving.svg, which browsers play) and
-- optimizers.svg into the folder.
local opt = nn.args{out = ".", seeds = 5, epochs = 12}

-- The seven methods of the chapter, on plain functions of two numbers.
local function seven(rates)
  return {
    SGD = {lr = rates.SGD},
    Momentum = {"SGD", lr = rates.Momentum, momentum = 0.9},
    Nesterov = {lr = rates.Nesterov, momentum = 0.9},
    Adagrad = {lr = rates.Adagrad},
    Adadelta = {lr = rates.Adadelta, eps = 1e-4},
    RMSprop = {lr = rates.RMSprop, alpha = 0.9},
    Adam = {lr = rates.Adam},
  }
end

local function race(name, title, f, start, steps, rates)
  local result = nn.race{f = f, start = start, steps = steps, optimizers = seven(rates)}
  print(result, "\n")
  result:plot(("%s/%s.svg"):format(opt.out, name), {title = title})
  result:animate(("%s/%s_moving.svg"):format(opt.out, name), {title = title})
end

-- Twenty times steeper across than along: plain descent zigzags, momentum overshoots.
race("ravine", "Seven methods in a ravine", nn.functions.valley, {-9, 3}, 120, {
  SGD = 0.9, Momentum = 0.15, Nesterov = 0.15, Adagrad = 1.5, Adadelta = 5, RMSprop = 0.2,
    Adam = 0.4,
})
-- Almost no slope at the start across the saddle: plain descent sticks there for long.
race("saddle", "Seven methods on a saddle", nn.functions.saddle, {-1.5, 1e-4}, 60, {
  SGD = 0.05, Momentum = 0.02, Nesterov = 0.02, Adagrad = 0.2, Adadelta = 1, RMSprop = 0.03,
    Adam = 0.05,
})

-- Every optimizer on the same network, from the same weights, with the same batches, its rate tuned
-- on the same grid.
local began = nn.time()
local result = nn.compare{
  model = function()
    return nn.Sequential{nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)}
  end,
  data = nn.data.digits(), loss = nn.CrossEntropyLoss(), metrics = {"accuracy"},
  optimizers = {
    Momentum = {"SGD", momentum = 0.9}, "SGD", "Nesterov", "Adagrad", "Adadelta", "RMSprop", "Adam",
    "AdamW", "Adamax", "NAdam", "RAdam", "Rprop", "Lion", "LBFGS", "RandomSearch",
  },
  tune = {lr = {1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10}},
  seeds = opt.seeds, epochs = opt.epochs,
}
print(result)
result:plot(opt.out .. "/optimizers.svg", {width = 1100})
print(("\ncompared in %.1f s"):format(nn.time() - began))
