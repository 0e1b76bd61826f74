-- plot/simplify.lua: long lines reduced to what can be seen.
--
-- Where x never falls, each column of pixels keeps its first, lowest, highest and last point, in
-- their order: the line covers the same pixels (the method of "M4", U. Jugel et al., 2014). Other
-- lines drop points that lie nearer than half a pixel to the last one kept; where that leaves too
-- many, as in a tangle that crosses the picture with each step, every n-th is taken. Contours go
-- by the rule of Douglas and Peucker.
local simplify = {}

local FEW = 1500      -- shorter lines are left alone
local MOST = 40000    -- points that a line which turns back may keep

local function rising(xs)
  for i = 2, #xs do
    if xs[i] < xs[i - 1] then return false end
  end
  return true
end

local function by_column(xs, ys, step)
  local kx, ky, n = {}, {}, 0
  local i, count = 1, #xs
  while i <= count do
    local column, first = xs[i] // step, i
    local low, high = i, i
    while i <= count and xs[i] // step == column do
      if ys[i] < ys[low] then low = i end
      if ys[i] > ys[high] then high = i end
      i = i + 1
    end
    local last, before = i - 1, 0
    local a, b = low, high
    if a > b then a, b = b, a end
    for _, k in ipairs {first, a, b, last} do
      if k > before then
        n = n + 1
        kx[n], ky[n], before = xs[k], ys[k], k
      end
    end
  end
  return kx, ky
end

local function by_distance(xs, ys, least)
  local kx, ky, n = {xs[1]}, {ys[1]}, 1
  local square, count = least * least, #xs
  for i = 2, count do
    local dx, dy = xs[i] - kx[n], ys[i] - ky[n]
    if dx * dx + dy * dy >= square or i == count then
      n = n + 1
      kx[n], ky[n] = xs[i], ys[i]
    end
  end
  return kx, ky
end

local function every(xs, ys, n)
  local kx, ky = {}, {}
  for i = 1, #xs, n do kx[#kx + 1], ky[#ky + 1] = xs[i], ys[i] end
  if kx[#kx] ~= xs[#xs] or ky[#ky] ~= ys[#ys] then
    kx[#kx + 1], ky[#ky + 1] = xs[#xs], ys[#ys]
  end
  return kx, ky
end

-- A line in pixels with fewer points; `step` is the width of a column.
function simplify.line(xs, ys, step)
  if #xs <= FEW then return xs, ys end
  if rising(xs) then return by_column(xs, ys, step) end
  xs, ys = by_distance(xs, ys, 0.5 * step)
  if #xs <= MOST then return xs, ys end
  return every(xs, ys, math.ceil(#xs / MOST))
end

-- Where between first and last a curve is furthest from the straight line, and how far, squared.
local function furthest(xs, ys, first, last)
  local x, y = xs[first], ys[first]
  local dx, dy = xs[last] - x, ys[last] - y
  local square, most, at = dx * dx + dy * dy, -1, first
  for i = first + 1, last - 1 do
    local px, py = xs[i] - x, ys[i] - y
    local d
    if square > 0 then
      local cross = px * dy - py * dx
      d = cross * cross / square
    else
      d = px * px + py * py
    end
    if d > most then most, at = d, i end
  end
  return at, most
end

-- A smooth curve by fewer points that stay within `off` of it (D. Douglas and T. Peucker, 1973).
function simplify.curve(xs, ys, off)
  local keep, stack = {[1] = true, [#xs] = true}, {1, #xs}
  while #stack > 0 do
    local last, first = table.remove(stack), table.remove(stack)
    local at, most = furthest(xs, ys, first, last)
    if most > off * off then
      keep[at] = true
      table.move({first, at, at, last}, 1, 4, #stack + 1, stack)
    end
  end
  local kx, ky = {}, {}
  for i = 1, #xs do
    if keep[i] then kx[#kx + 1], ky[#ky + 1] = xs[i], ys[i] end
  end
  return kx, ky
end

-- At most `most` of 1..n, evenly spaced, the ends among them.
function simplify.indices(n, most)
  local list, count = {}, math.min(n, most)
  for k = 1, count do
    list[k] = count == 1 and 1 or 1 + math.floor((k - 1) * (n - 1) / (count - 1) + 0.5)
  end
  return list
end

local SINGLY = 4000 -- this many marks are all drawn

-- Marks on top of each other, to a raster of one and a half steps, once.
function simplify.marks(xs, ys, step)
  if #xs <= SINGLY then return xs, ys end
  local kx, ky, seen, n = {}, {}, {}, 0
  local size = 1.5 * step
  for i, x in ipairs(xs) do
    local key = (x // size) * 1048576 + ys[i] // size
    if not seen[key] then
      seen[key], n = true, n + 1
      kx[n], ky[n] = x, ys[i]
    end
  end
  return kx, ky
end

return simplify
