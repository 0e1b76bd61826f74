-- 1. Random guessing: could we find good weights by trying many at random?
--
--   nnlua examples/chapter/01_random_guessing.lua [--most 5] [--trials 20] [--out folder]
--
-- N secret weights lie somewhere in -0.9..0.9. A guess is N random numbers in -1..1, and counts as
-- found when every weight is within 0.1 of its secret. One weight is hit by one guess in ten, so N
-- weights at once are hit by one guess in 10^N.
local nn = require "nn"
local opt = nn.args {most = 5, trials = 20, out = ".", seed = 0}
nn.seed(opt.seed)

-- How many guesses until one is right. A row of `guesses` is one guess; thousands at a time.
local function by_guessing(secret)
  local n, tried = #secret, 0
  local rows = math.min(10 ^ n, 50000) // 1 | 0
  while true do
    local guesses = nn.rand(rows, n) * 2 - 1
    local right = (guesses - secret):abs():lt(0.1):all(2):nonzero()
    if #right > 0 then return tried + right[1][1] end
    tried = tried + rows
  end
end

-- How many steps of gradient descent until the weights are as near. The loss is the mean squared
-- distance, and its slope says for every weight at once which way to go.
local function by_descent(secret)
  local w = nn.rand(#secret):mul(2):sub(1):requires_grad_()
  local optimizer = nn.optim.SGD({w}, {lr = 0.1 * #secret})
  local steps = 0
  while (w:detach() - secret):abs():max():item() >= 0.1 do
    optimizer:zero_grad()
    local loss = ((w - secret) ^ 2):mean()
    loss:backward()
    optimizer:step()
    steps = steps + 1
  end
  return steps
end

local function mean_of(f, n)
  local sum = 0
  for _ = 1, opt.trials do sum = sum + f(nn.rand(n) * 1.8 - 0.9) end
  return sum / opt.trials
end

print "weights   guesses needed        10^N   steps of gradient descent"
local guesses, steps, expected, at = {}, {}, {}, {}
for n = 1, opt.most do
  at[n], expected[n] = n, 10 ^ n
  guesses[n], steps[n] = mean_of(by_guessing, n), mean_of(by_descent, n)
  print(("%7d   %14.1f   %9d   %25.1f"):format(n, guesses[n], expected[n] // 1, steps[n]))
end
for _, n in ipairs {100, 11935} do
  print(("%7d   %14s   %9s   %25.1f"):format(n, "for ever", "10^" .. n, mean_of(by_descent, n)))
end
print "\nThe last row is a small network for handwritten digits."
print "The universe is 4 x 10^26 nanoseconds old."

nn.plot {title = "Guessing against descending", xlabel = "weights", ylabel = "tries", ylog = true}
  :line({["10^N"] = {x = at, y = expected}}, {dash = true, color = "grey"})
  :line({guesses = {x = at, y = guesses}, steps = {x = at, y = steps}}, {points = true})
  :save(opt.out .. "/01_random_guessing.svg")

-- Try: --most 6, and wait. Then make the net finer: how many guesses for "within 0.01"?
