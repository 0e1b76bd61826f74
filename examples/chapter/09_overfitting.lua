-- 9. Overfitting: a curve through every point, and what it says in between.
--
--   nnlua examples/chapter/09_overfitting.lua [--degree 10] [--out folder]
--
-- Eleven points lie near a line. A polynomial of degree 10 has eleven weights and goes through all
-- of them: its loss is 0. Is it the better model? Ask about points that it has not seen.
local nn = require "nn"
local opt = nn.args {degree = 10, out = "."}
nn.set_default_dtype "float64" -- 16 digits instead of 7

local data = nn.data.overfit()
local x, y = data.x, data.y

-- 1, t, t^2, ..., t^degree with t = x / 5, so that high powers stay small.
local function powers(at, degree)
  local list = {}
  for k = 0, degree do list[k + 1] = (at / 5) ^ k end
  return nn.cat(list, 2)
end

-- The least squares polynomial through the points (px, py), as a function of where it is asked.
local function fit(degree, px, py)
  local weights = nn.linalg.lstsq(powers(px, degree), py)
  return function(at) return powers(at, degree):matmul(weights) end, weights
end

-- Leave one out: fit ten points, ask about the eleventh; each point takes its turn.
local function left_out(degree)
  local sum = 0
  for i = 1, #x do
    local others = {}
    for k = 1, #x do if k ~= i then others[#others + 1] = k end end
    local rows = nn.tensor(others, {dtype = "int64"})
    local curve = fit(degree, x[rows], y[rows])
    sum = sum + (curve(x:narrow(1, i, 1)) - y[i][1]):item() ^ 2
  end
  return sum / #x
end

print "degree   MSE of the points   MSE of points left out   largest weight"
local seen, unseen, degrees = {}, {}, {}
for degree = 0, opt.degree do
  local curve, weights = fit(degree, x, y)
  local mse, out = ((curve(x) - y) ^ 2):mean():item(), nil
  if degree < #x - 1 then out = left_out(degree) end -- ten points have no one curve of degree 10
  degrees[#degrees + 1], seen[#seen + 1] = degree, math.max(mse, 1e-12)
  unseen[#unseen + 1] = out
  print(("%6d   %17.6f   %22s   %14.1f"):format(degree, mse, out and ("%.3f"):format(out) or "-",
    weights:abs():max():item()))
end
local best = 1
for i, v in ipairs(unseen) do if v < unseen[best] then best = i end end
print(("\nthe points left out are met best by degree %d"):format(degrees[best]))

-- Between the last two points the curve goes far from both.
local fine = nn.linspace(x:min():item(), x:max():item(), 401):view(401, 1)
local line, curly = fit(1, x, y)(fine), fit(opt.degree, x, y)(fine)
for _, v in ipairs {{"points", y}, {"line", line}, {"curve", curly}} do
  print(("the %-6s  go from %5.1f to %.1f"):format(v[1], v[2]:min():item(), v[2]:max():item()))
end

nn.plot.grid({
  nn.plot {title = "Eleven points", xlabel = "x", ylabel = "y"}
    :line {["a line"] = {x = fine:view(-1), y = line:view(-1)},
      ["degree " .. opt.degree] = {x = fine:view(-1), y = curly:view(-1)}}
    :scatter(data, {color = "black", name = "data"}),
  nn.plot {title = "Errors", xlabel = "degree", ylabel = "MSE", ylog = true, yrange = {1e-3, 1e4}}
    :line({["points it saw"] = {x = degrees, y = seen}, ["points left out"] = {x =
      nn.range(0, #unseen - 1), y = unseen}}, {points = true}),
}, {out = opt.out .. "/09_overfitting.svg"})

-- Try: put more points on the same line, nn.data.polynomial{n = 200, degree = 1}: more data is the
-- best cure. The next chapters have others.
