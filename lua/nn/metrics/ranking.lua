-- metrics/ranking.lua: auc, the area under the ROC curve.
local classes = require "nn.metrics.classes"
local util = require "nn.util"

local raise = util.raise
local M = {}

-- The probability that a sample of the class has the higher score of a random pair, ties counting
-- half: over groups of equal scores, sum of p_g (n_below + n_g / 2) / (P N). `positive` is a mask.
-- nil where all or none are positive.
local function area(scores, positive)
  local n, p = scores:numel(), positive:sum():item()
  if p == 0 or p == n then return nil end
  if scores:isnan():any() then return 0 / 0 end
  local sorted, order = scores:sort(1)
  local group = sorted:clone():to("int64"):fill_(1)
  if n > 1 then
    local steps = sorted:narrow(1, 2, n - 1):ne(sorted:narrow(1, 1, n - 1))
    group:narrow(1, 2, n - 1):copy_(steps:to("int64"))
  end
  group = group:cumsum(1)
  local all = group:bincount()
  local right = group:masked_select(positive[order]):bincount(all:numel())
  local wrong = all:sub(right)
  local below = wrong:cumsum(1):sub(wrong)
  local pairs_won = right:mul(below:mul(2):add(wrong)):to("float64"):sum():item() / 2
  return pairs_won / (p * (n - p))
end

-- Rows in 0..1 that add up to 1.
local function are_shares(p)
  if p:lt(0):any() or p:gt(1):any() then return false end
  return p:sum(2):sub(1):abs():lt(1e-3):all()
end

-- Probabilities of the classes: raw scores pass through softmax, because scores of different rows
-- cannot be compared. (Of log-probabilities, it gives the probabilities.)
local function probabilities(prediction, labels, o)
  local raw = labels or classes.loss_class(o) == "CrossEntropyLoss"
  if not raw or are_shares(prediction) then return prediction end
  return prediction:to("float64"):softmax(2)
end

-- Of two columns with labels the difference tells what softmax would, without its rounding.
local function second_against_first(prediction, target)
  local scores = prediction:select(2, 2)
  if not are_shares(prediction) then scores = scores:sub(prediction:select(2, 1)) end
  return area(scores:contiguous(), target:eq(2)) or 0 / 0
end

local function one_against_rest(prediction, target, o)
  local n, labels = prediction:size(2), target:dim() == 1
  if labels then classes.check_labels("auc", target, n) end
  if n == 2 and labels then return second_against_first(prediction, target) end
  local p = probabilities(prediction, labels, o)
  local sum, terms = 0, 0
  for c = 1, n do
    local value = area(p:select(2, c):contiguous(),
      labels and target:eq(c) or target:select(2, c):gt(0.5))
    if value then sum, terms = sum + value, terms + 1 end
  end
  return sum / terms
end

--- nn.metrics.auc(prediction, target, {loss}) -> number
--- The area under the ROC curve: the probability that a positive sample has the higher score of a
--- pair, ties counting half (Hanley and McNeil, 1982). One output, or N x 2 scores with labels:
--- class 1, or label 2, is positive. More classes: the mean of each against the rest, over those of
--- which there are both; raw scores with labels pass through softmax first, since scores of
--- different rows cannot be compared. nan where there are only positives or only negatives, or
--- where a score is nan.
--- Example:
---   print(nn.metrics.auc(nn.tensor{0.1, 0.4, 0.35, 0.8}, nn.tensor{0, 0, 1, 1}))  --> 0.75
function M.auc(prediction, target, o)
  if prediction:dim() > 2 then
    raise("auc: wants N or N x C scores, got predictions of %s", util.shape(prediction))
  end
  if classes.has_scores(prediction) then
    local fits = util.same_shape(prediction, target)
      or (target:dtype() == "int64" and target:dim() == 1 and target:size(1) == prediction:size(1))
    if not fits then
      raise("auc: predictions of %s do not fit targets of %s", util.shape(prediction),
        util.shape(target))
    end
    return one_against_rest(prediction, target, o)
  end
  if prediction:numel() ~= target:numel() then
    raise("auc: predictions of %s do not fit targets of %s", util.shape(prediction),
      util.shape(target))
  end
  return area(prediction:flatten(), target:flatten():gt(0.5)) or 0 / 0
end

return M
