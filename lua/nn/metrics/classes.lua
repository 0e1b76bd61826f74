-- metrics/classes.lua: measures of classification: accuracy, top_k, precision, recall, f1,
-- confusion.
--
-- Predictions are scores for each class, N x C (x ...), the answer being the class with the
-- highest, or one output for each sample, the answer being class 1 above a threshold, else class 0.
-- A NaN among the scores counts as the highest, as in argmax; as one output it is class 0.
local core = require "nn.core"
local util = require "nn.util"

local raise = util.raise
local M = {}

local function misfit(owner, prediction, target)
  raise("%s: predictions of %s do not fit targets of %s", owner, util.shape(prediction),
    util.shape(target))
end

-- Whether the prediction is a score for each class.
function M.has_scores(prediction)
  return prediction:dim() > 1 and prediction:size(2) > 1
end

-- The class of a loss, where it matters, or nil.
local function loss_class(o)
  return core.kind(o.loss) == "loss" and o.loss:_class() or nil
end
M.loss_class = loss_class

-- ---- one output -------------------------------------------------------------------------------

local thresholds = {BCEWithLogitsLoss = 0, HingeLoss = 0}

-- Masks: where the answer is yes, and where the truth is.
local function yes_or_no(owner, prediction, target, o)
  if prediction:numel() ~= target:numel() then misfit(owner, prediction, target) end
  local class = loss_class(o)
  local no = class == "HingeLoss" and -1 or 0
  local truth = target:reshape(prediction:size())
  local strange = truth:ne(no):mul(truth:ne(1)):nonzero()
  if strange:size(1) > 0 then
    raise("%s: with one output the targets are %d and 1; target %d is %s", owner, no,
      strange[1][1], tostring(target:flatten()[strange[1][1]]))
  end
  return prediction:gt(thresholds[class] or 0.5), truth:eq(1)
end

-- ---- a score for each class -------------------------------------------------------------------

-- Several classes may be right at once: rows of 0 and 1 that do not add up to 1.
local function is_multilabel(target)
  if target:ne(0):mul(target:ne(1)):any() then return false end
  return target:sum(2):ne(1):any()
end

function M.check_labels(owner, truth, classes)
  if truth:numel() == 0 then return end
  local low, high = truth:min():item(), truth:max():item()
  if low >= 1 and high <= classes then return end
  local wrong = low < 1 and low or high
  raise("%s: label %d is outside 1..%d, the classes that the prediction has scores for%s", owner,
    wrong, classes, low == 0 and "; labels = labels:add(1) mends labels from 0" or "")
end

-- Without the rows that the loss leaves out (ignore_index), flat.
local function without_ignored(scores, truth, o)
  local class = loss_class(o)
  if class ~= "CrossEntropyLoss" and class ~= "NLLLoss" then return scores, truth end
  local counts = truth:ne(o.loss.ignore_index)
  if counts:all() then return scores, truth end
  return scores and scores:masked_select(counts), truth:masked_select(counts)
end

-- The true class of each sample as labels of N (x ...): labels stay, one-hot rows and probabilities
-- give their largest.
local function labels_of(owner, prediction, target)
  if util.same_shape(prediction, target) then return target:argmax(2) end
  local fits = target:dtype() == "int64" and target:dim() == prediction:dim() - 1
    and target:size(1) == prediction:size(1)
  for d = 2, fits and target:dim() or 0 do
    fits = fits and target:size(d) == prediction:size(d + 1)
  end
  if not fits then misfit(owner, prediction, target) end
  return target
end

-- Two flat lists of labels in 1..n, the answers and the truth. One output: class 1 is label 2.
local function answers(owner, prediction, target, o)
  if not M.has_scores(prediction) then
    local answer, truth = yes_or_no(owner, prediction, target, o)
    return answer:flatten():to("int64"):add(1), truth:flatten():to("int64"):add(1), 2
  end
  local classes = prediction:size(2)
  local truth = labels_of(owner, prediction, target):flatten()
  local answer
  answer, truth = without_ignored(prediction:argmax(2):flatten(), truth, o)
  M.check_labels(owner, truth, classes)
  return answer, truth, classes
end

-- ---- the measures -----------------------------------------------------------------------------

--- nn.metrics.accuracy(prediction, target, {loss}) -> number
--- The share of right answers. The prediction is a score for each class, N x C (x ...), the answer
--- being the highest; targets are labels from 1, one-hot rows or probabilities. With one output for
--- each sample the answer is 1 above 0.5 (above 0 where `loss` is an nn.BCEWithLogitsLoss or an
--- nn.HingeLoss) and targets are 0 or 1 (HingeLoss: -1 or 1). Targets of 0 and 1 of which several
--- in a row may be 1 are compared output by output, each with that threshold. Rows whose label is
--- the loss's ignore_index do not count, here and in the other measures of classes. A score that is
--- nan counts as the highest, as in argmax; as a single output it is class 0.
--- Example:
---   local scores = nn.tensor{{0.1, 0.9}, {0.8, 0.2}, {0.6, 0.4}}
---   print(nn.metrics.accuracy(scores, nn.tensor({2, 1, 2}, {dtype = "int64"})))  --> 0.66666...
function M.accuracy(prediction, target, o)
  local answer, truth
  if M.has_scores(prediction) and util.same_shape(prediction, target) and is_multilabel(target) then
    answer, truth = yes_or_no("accuracy", prediction, target, o)
  elseif M.has_scores(prediction) then
    truth = labels_of("accuracy", prediction, target):flatten()
    answer, truth = without_ignored(prediction:argmax(2):flatten(), truth, o)
  else
    answer, truth = yes_or_no("accuracy", prediction, target, o)
  end
  return answer:eq(truth):sum():item() / truth:numel()
end

--- nn.metrics.top_k(prediction, target, {k = 5}) -> number
--- The share of samples whose true class is among the k with the highest scores. In the list of
--- metrics of nn.fit: "top_k" (k = 5), "top_3" (any number), or {name = "top_k", k = 3}.
--- Example:
---   local scores = nn.tensor{{0.5, 0.3, 0.2}, {0.5, 0.3, 0.2}}
---   print(nn.metrics.top_k(scores, nn.tensor({2, 3}, {dtype = "int64"}), {k = 2}))  --> 0.5
function M.top_k(prediction, target, o)
  if not M.has_scores(prediction) then
    raise("top_k: wants a score for each class, got predictions of %s", util.shape(prediction))
  end
  if o.k > prediction:size(2) then
    raise("top_k: k is %d, but there are only %d classes", o.k, prediction:size(2))
  end
  local truth = labels_of("top_k", prediction, target)
  local _, best = prediction:topk(o.k, 2)
  local right = best:eq(truth:unsqueeze(2)):sum(2):flatten()
  right, truth = without_ignored(right, truth:flatten(), o)
  return right:sum():item() / truth:numel()
end

--- nn.metrics.confusion(prediction, target, {loss}) -> tensor
--- Counts as C x C int64: the row is the true class, the column the answer. With one output, row
--- and column 1 are class 0. In nn.evaluate's result it prints with the names of the classes.
--- Example:
---   local scores = nn.tensor{{0.1, 0.9}, {0.8, 0.2}, {0.6, 0.4}}
---   print(nn.metrics.confusion(scores, nn.tensor({2, 1, 2}, {dtype = "int64"})))
function M.confusion(prediction, target, o)
  local answer, truth, n = answers("confusion", prediction, target, o)
  return truth:sub(1):mul(n):add(answer):bincount(n * n):view(n, n)
end

-- For each class how often it was answered rightly, answered, and true, in float64.
local function counts(owner, prediction, target, o)
  local answer, truth, n = answers(owner, prediction, target, o)
  local function count(labels) return labels:bincount(n):to("float64") end
  return count(truth:masked_select(answer:eq(truth))), count(answer), count(truth)
end

-- The mean of right / out_of over the classes that occur; of one output, the value for class 1.
-- Where out_of is 0 (a class that is never answered has no precision) the value is 0.
local function mean_share(prediction, right, out_of, occurs)
  local shares = right:div(out_of:maximum(1))
  if not M.has_scores(prediction) then return shares[2] end
  return shares:mul(occurs):sum():div(occurs:sum()):item()
end

--- nn.metrics.precision(prediction, target, {loss}) -> number
--- Of the answers for a class, the share that is right: the mean over the classes that occur among
--- targets or answers ("macro"); with one output, the value for class 1. A class that is never
--- answered has precision 0.
--- Example:
---   print(nn.metrics.precision(nn.tensor{{0.9}, {0.8}, {0.1}}, nn.tensor{{1}, {0}, {0}}))  --> 0.5
function M.precision(prediction, target, o)
  local right, answered, truth = counts("precision", prediction, target, o)
  return mean_share(prediction, right, answered, answered:add(truth):gt(0):to("float64"))
end

--- nn.metrics.recall(prediction, target, {loss}) -> number
--- Of the samples of a class, the share that is found, averaged as in precision. A class that is
--- answered but never true has recall 0.
--- Example:
---   print(nn.metrics.recall(nn.tensor{{0.9}, {0.8}, {0.1}}, nn.tensor{{1}, {0}, {1}}))  --> 0.5
function M.recall(prediction, target, o)
  local right, answered, truth = counts("recall", prediction, target, o)
  return mean_share(prediction, right, truth, answered:add(truth):gt(0):to("float64"))
end

--- nn.metrics.f1(prediction, target, {loss}) -> number
--- 2 right / (answered + true) for each class, the harmonic mean of precision and recall, averaged
--- as in precision.
--- Example:
---   print(nn.metrics.f1(nn.tensor{{0.9}, {0.8}, {0.1}}, nn.tensor{{1}, {0}, {1}}))  --> 0.5
function M.f1(prediction, target, o)
  local right, answered, truth = counts("f1", prediction, target, o)
  local both = answered:add(truth)
  return mean_share(prediction, right:mul(2), both, both:gt(0):to("float64"))
end

return M
