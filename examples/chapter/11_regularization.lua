-- 11. Regularization: L2, L1, and noise, which is L2 in disguise.
--
--   nnlua examples/chapter/11_regularization.lua [--lambda 0.01] [--out folder] [--seed 0]
--
--   L2: J = MSE + (lambda/2) sum w^2      every weight is drawn to 0, the large ones more
--   L1: J = MSE + lambda sum |w|          many weights become 0, or nearly so
-- Biases are left alone. (Elsewhere the same lambda means other things: see doc/training.md.)
local nn = require "nn"
local opt = nn.args {lambda = 0.01, epochs = 200, out = ".", seed = 0}

-- 200 digits to learn from, and a network that could learn them by heart.
local train, val = nn.data.digits():split {200, 1597, seed = opt.seed}
local scale = nn.data.Standardize():fit(train)
train, val = scale(train), scale(val)
print "200 digits      loss      val_loss   val_accuracy   mean |w| of layer 1, how many below 0.01"
local curves, layers = {}, {}
for _, try in ipairs {{"none", {}}, {"L2", {l2 = opt.lambda}}, {"L1", {l1 = opt.lambda / 10}}} do
  nn.seed(opt.seed)
  local model = nn.Sequential {nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)}
  local history = nn.fit(model, train, {validation = val, loss = nn.CrossEntropyLoss(),
    optimizer = nn.optim.Adam(model:parameters(), {lr = 0.003}), metrics = {"accuracy"},
    epochs = opt.epochs, l1 = try[2].l1, l2 = try[2].l2})
  local last, w = history[#history], model[2].weight:detach():abs()
  local small = w:lt(0.01):sum():item() / w:numel()
  print(("%-10s  %8.4f      %8.4f   %10.1f %%   %.3f, %.0f %%"):format(try[1], last.loss,
    last.val_loss, 100 * last.val_accuracy, w:mean():item(), 100 * small))
  curves[try[1]], layers[try[1]] = {}, model[2].weight
  for i, record in ipairs(history) do curves[try[1]][i] = record.val_loss end
end

-- Noise on the inputs. For a linear model with MSE, noise of variance s^2 on each input adds
-- exactly s^2 sum w^2 to the expected loss:  E (y - w(x + e) - b)^2 = (y - w x - b)^2 + w^2 s^2.
-- So it is L2 with lambda = 2 s^2. Seen by both roads on one problem:
local data = nn.data.regression {n = 100, features = 5, noise = 0.3, seed = opt.seed}
local x, y = data.x:to "float64", data.y:to "float64"
local s = 0.5
nn.seed(opt.seed)
-- By noise: 2000 noisy copies of the data, then least squares. (Centred: the bias stays out of it.)
local centred, targets = x - x:mean(1), y - y:mean()
local copies = 2000
local noisy = centred:tile(copies, 1) + nn.randn({copies * #x, 5}, {dtype = "float64"}) * s
local by_noise = nn.ols(noisy, targets:tile(copies, 1), {intercept = false})
-- By L2: (X^T X / n + (lambda/2) I) w = X^T y / n, where the slope of MSE + L2 is 0.
local lambda = 2 * s ^ 2
local function ridge(l)
  return nn.linalg.solve(centred:t():matmul(centred) / #x
    + nn.eye(5, {dtype = "float64"}) * (l / 2), centred:t():matmul(targets) / #x)
end
local by_l2, plain = ridge(lambda), ridge(0)
print(("\nweight    without   by noise of %.1f   by L2, lambda = 2 * %.1f^2"):format(s, s))
for i = 1, 5 do
  print(("%6d  %9.4f   %15.4f   %23.4f"):format(i, plain[i][1], by_noise[i][1], by_l2[i][1]))
end
print(("largest difference of the last two: %.4f"):format((by_noise - by_l2):abs():max():item()))

nn.plot.grid({
  nn.plot {title = "Validation loss", xlabel = "epoch"}:line(curves),
  nn.plot {title = "Weights of the first layer", xlabel = "weight", ylabel = "count", ylog = true}
    :hist(layers, {bins = 40}),
}, {out = opt.out .. "/11_regularization.svg"})

-- Try: --lambda 0.1, then 0.001. More copies of the noise: the difference falls with their root.
