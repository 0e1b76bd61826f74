-- standardize.lua: nn.data.Standardize, (x - mean) / std for each feature, both learned from the
-- training part. A feature that is constant there has no scale; it is left as it is.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local util = require "nn.util"

local raise = util.raise
local Standardize = {}
local meta = {__index = Standardize, __name = "Standardize"}

local ROWS = 4096 -- taken at a time, because the sums are made in float64

local function rows_of(v, name)
  local x = dataset.is_dataset(v) and v.x or v
  if core.kind(x) ~= "tensor" or x:dim() < 2 then
    raise("Standardize: %s wants a dataset or a tensor of N x features, got %s", name,
      util.describe(v))
  end
  return x
end

-- The mean over the rows of f(piece), in float64.
local function mean_of(x, f)
  local n, sum = x:size(1), nil
  for first = 1, n, ROWS do
    local piece = f(x:narrow(1, first, math.min(ROWS, n - first + 1)):to("float64")):sum(1)
    sum = sum and sum:add(piece) or piece
  end
  return sum:div(n)
end

function Standardize:fit(train)
  local x = rows_of(train, "fit")
  if dataset.is_dataset(train) and train.held_out then
    raise("Standardize: fit on the training part; this one is held out for the final test")
  end
  if x:size(1) == 0 then raise("Standardize: fit needs at least one row") end
  local mean = mean_of(x, function(piece) return piece end)
  local std = mean_of(x, function(piece) return piece:sub(mean):square() end):sqrt()
  -- Sums round, so a constant's deviation is about this rather than 0.
  local noise = mean:abs():mul(x:size(1) * 2.3e-16)
  local varies = std:gt(noise):to("float64")
  self.mean = mean:mul(varies)
  self.std = std:mul(varies):add(varies:neg():add(1))
  return self
end

-- mean and std in x's dtype (integers become floats), after a check of the shape.
local function fitted(self, x, name)
  if not self.mean then raise("Standardize: call t:fit(train) before t%s", name) end
  local same = x:dim() == self.mean:dim() + 1
  for d = 2, same and x:dim() or 0 do same = same and x:size(d) == self.mean:size(d - 1) end
  if not same then
    raise("Standardize: fitted to samples of %s, got x of %s", util.shape(self.mean), util.shape(x))
  end
  local dtype = x:dtype():find "^float" and x:dtype() or core.zeros(1):dtype()
  return x:to(dtype), self.mean:to(dtype), self.std:to(dtype)
end

local function transform(self, v, name, formula)
  local x = formula(fitted(self, rows_of(v, name), name))
  return dataset.is_dataset(v) and dataset.like(v, x, v.y) or x
end

function meta:__call(v)
  return transform(self, v, "(x)", function(x, mean, std) return x:sub(mean):div_(std) end)
end

function Standardize:invert(v)
  return transform(self, v, ":invert(x)", function(x, mean, std) return x:mul(std):add_(mean) end)
end

function meta:__tostring()
  local fit = self.mean and "fitted to " .. util.shape(self.mean) or ""
  return ("Standardize(%s)"):format(fit)
end

local function new(options)
  util.options("Standardize", options, {})
  return setmetatable({}, meta)
end

return {Standardize = new}
