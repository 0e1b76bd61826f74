-- metrics/numbers.lua: measures of regression: mse, mae, r2.
local util = require "nn.util"

local M = {}

local function difference(name, prediction, target)
  if not util.same_shape(prediction, target) then
    util.raise("%s: predictions of %s do not fit targets of %s", name, util.shape(prediction),
      util.shape(target))
  end
  return prediction:to("float64"):sub(target:to("float64"))
end

--- nn.metrics.mse(prediction, target) -> number
--- The mean of the squared differences, over all elements, in float64.
--- Example:
---   print(nn.metrics.mse(nn.tensor{1, 2}, nn.tensor{1, 4}))  --> 2.0
function M.mse(prediction, target)
  return difference("mse", prediction, target):square():mean():item()
end

--- nn.metrics.mae(prediction, target) -> number
--- The mean of the absolute differences, over all elements, in float64.
--- Example:
---   print(nn.metrics.mae(nn.tensor{1, 2}, nn.tensor{1, 4}))  --> 1.0
function M.mae(prediction, target)
  return difference("mae", prediction, target):abs():mean():item()
end

--- nn.metrics.r2(prediction, target) -> number
--- The coefficient of determination, 1 - sum (y - p)^2 / sum (y - mean y)^2, the mean over the
--- columns of targets: 1 is perfect, 0 no better than always saying the mean, and it may be
--- negative. nan where a column of targets is constant.
--- Example:
---   print(nn.metrics.r2(nn.tensor{1, 2, 3}, nn.tensor{1, 2, 4}))  --> 0.78571...
function M.r2(prediction, target)
  local rows = target:size(1)
  local left = difference("r2", prediction, target):view(rows, -1):square():sum(1)
  local y = target:to("float64"):reshape(rows, -1)
  local spread = y:sub(y:mean(1)):square():sum(1)
  if spread:eq(0):any() then return 0 / 0 end
  return left:div(spread):neg():add(1):mean():item()
end

return M
