-- plot/scale.lua: from data to the picture, and which values get a mark.
local text = require "nn.plot.text"

local scale = {}

scale.LARGEST = 1e300 -- what is larger counts as infinite, so that no difference overflows

-- Whether a value has a place on the axis.
function scale.fits(v, log)
  return v - v == 0 and v < scale.LARGEST and v > -scale.LARGEST and (not log or v > 0)
end

-- The function that takes lo..hi to from..to.
function scale.map(lo, hi, from, to, log)
  if log then
    local a, span = math.log(lo), math.log(hi) - math.log(lo)
    return function(v) return from + (math.log(v) - a) / span * (to - from) end
  end
  local factor = (to - from) / (hi - lo)
  return function(v) return from + (v - lo) * factor end
end

-- Room around the data; a single value gets room on both sides; without data 0..1.
function scale.range(lo, hi, log, pad)
  if not lo or lo > hi then return log and 1 or 0, log and 10 or 1 end
  if log then
    if lo == hi then return lo / 3, hi * 3 end
    local more = (hi / lo) ^ pad
    return lo / more, hi * more
  end
  if hi - lo <= 1e-12 * math.max(math.abs(lo), math.abs(hi)) then
    local half = lo == 0 and 1 or math.abs(lo) * 0.1
    return lo - half, hi + half
  end
  local more = (hi - lo) * pad
  return lo - more, hi + more
end

local function step_of(span, count)
  local raw = span / math.max(count, 1)
  local size = 10.0 ^ math.floor(math.log(raw, 10) + 1e-9)
  for _, factor in ipairs {1, 2, 5} do
    if raw <= factor * size * (1 + 1e-9) then return factor * size end
  end
  return 10 * size
end

local function linear(lo, hi, count, whole)
  local step = step_of(hi - lo, count)
  if whole and step < 1 then step = 1 end
  local first, last = math.ceil(lo / step - 1e-9), math.floor(hi / step + 1e-9)
  local values = {}
  for k = first, math.min(last, first + 200) do values[#values + 1] = k * step + 0.0 end
  return values, step
end

local function logarithmic(lo, hi, count)
  local a, b = math.log(lo, 10), math.log(hi, 10)
  local first, last = math.ceil(a - 1e-9), math.floor(b + 1e-9)
  local values = {}
  if last - first >= 2 or (last - first >= 1 and count < 4) then
    local every = math.ceil((last - first + 1) / math.max(count, 1))
    for k = first, last do
      if k % every == 0 then values[#values + 1] = 10.0 ^ k end
    end
    return values, nil, every
  end
  for k = math.floor(a), last do
    for _, factor in ipairs(count >= 4 and {1, 2, 5} or {1}) do
      local v = factor * 10.0 ^ k
      if v >= lo * (1 - 1e-9) and v <= hi * (1 + 1e-9) then values[#values + 1] = v end
    end
  end
  if #values >= 2 then return values end
  return linear(lo, hi, count)
end

local function minus(s) return (s:gsub("^%-", "−")) end

local function fixed(v, decimals)
  local s = ("%." .. decimals .. "f"):format(v)
  if s:find "^%-0*%.?0*$" then s = s:sub(2) end
  return minus(s)
end

local function scientific(v, decimals)
  if v == 0 then return "0" end
  local mantissa, exponent = ("%." .. decimals .. "e"):format(v):match "^(.-)e(.*)$"
  return text.power(math.tointeger(tonumber(exponent)), minus(mantissa))
end

-- A number as a label by itself, with about three digits.
function scale.label(v)
  if v ~= v then return "NaN" end
  if v - v ~= 0 then return v > 0 and "∞" or "−∞" end
  local size = math.abs(v)
  if size ~= 0 and (size < 1e-3 or size >= 1e6) then
    local s = scientific(v, 1):gsub("%.0×", "×")
    return s
  end
  if v == math.floor(v) then return minus(("%.0f"):format(v)) end
  return minus((("%.3g"):format(v)))
end

local function linear_labels(values, step)
  local top, labels = 0, {}
  for _, v in ipairs(values) do top = math.max(top, math.abs(v)) end
  local place = math.floor(math.log(step, 10) + 1e-9)
  local decimals = math.max(0, -place)
  local digits = top > 0 and math.floor(math.log(top, 10) + 1e-9) - place or 0
  local write = fixed
  if top >= 1e6 or place < -5 then
    write, decimals = scientific, math.max(0, math.min(digits, 12))
  end
  for i, v in ipairs(values) do labels[i] = write(v, decimals) end
  return labels
end

local function log_label(v)
  local exponent = math.log(v, 10)
  local near = math.floor(exponent + 0.5)
  if math.abs(exponent - near) < 1e-9 then
    if near >= -2 and near <= 3 then return fixed(v, math.max(0, -near)) end
    return text.power(near)
  end
  if v >= 1e-3 and v < 1e5 then return minus((("%.4g"):format(v))) end
  return scientific(v, 0)
end

-- About `count` round values in lo..hi and their labels. `whole`: no fractions. The third result,
-- on logarithmic axes with decades, is how many decades lie between marks.
function scale.ticks(lo, hi, count, log, whole)
  local values, step, every
  if log then
    values, step, every = logarithmic(lo, hi, count)
  else
    values, step = linear(lo, hi, count, whole)
  end
  if step then return values, linear_labels(values, step) end
  local labels = {}
  for i, v in ipairs(values) do labels[i] = log_label(v) end
  return values, labels, every
end

return scale
