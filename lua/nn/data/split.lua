-- split.lua: ds:split, the parts of a dataset. Every part gets its share of every class to within
-- one sample, and its share of the whole to about one.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local util = require "nn.util"

local raise = util.raise

local function read_shares(given)
  local shares, sum = {}, 0
  for i, share in ipairs(given) do
    if type(share) ~= "number" or not (share > 0 and share < 1) then
      raise("split: part %d must be a fraction between 0 and 1, got %s", i, util.describe(share))
    end
    shares[i] = share
    sum = sum + share
  end
  if #shares < 2 then
    raise("split: expected two fractions or more, as in ds:split{0.7, 0.15, 0.15}, got %d", #shares)
  end
  if math.abs(sum - 1) > 1e-6 then
    raise("split: the fractions must add up to 1, got %.6g", sum)
  end
  for i, share in ipairs(shares) do shares[i] = share / sum end
  return shares
end

-- How many of a group of n each part gets. What rounding down leaves over goes to the parts that
-- `owed` says had most rounded away so far, at most one each.
local function deal(n, shares, owed)
  local counts, rest, parts = {}, n, {}
  for p, share in ipairs(shares) do
    local exact = n * share
    counts[p] = math.floor(exact + 1e-9)
    rest = rest - counts[p]
    owed[p] = owed[p] + exact - counts[p]
    if exact - counts[p] > 1e-9 then parts[#parts + 1] = p end
  end
  table.sort(parts, function(a, b)
    if owed[a] ~= owed[b] then return owed[a] > owed[b] end
    return a < b
  end)
  for i = 1, rest do
    local p = parts[i] or i -- sums of fractions are not exact; there may be one rest too many
    counts[p] = counts[p] + 1
    owed[p] = owed[p] - 1
  end
  return counts
end

-- Each row's group: its label, or 1 for all.
local function groups_of(ds, stratify)
  if not stratify then return nil, {[1] = #ds} end
  local labels, sizes = ds.y:totable(), {}
  for _, label in ipairs(labels) do sizes[label] = (sizes[label] or 0) + 1 end
  return labels, sizes
end

-- Lists of row numbers, one a part. `order` is the list of rows in the order they are dealt.
local function assign(order, labels, sizes, shares)
  local left, parts, owed = {}, {}, {}
  for p = 1, #shares do parts[p], owed[p] = {}, 0 end
  for _, label in ipairs(util.sorted_keys(sizes)) do
    left[label] = deal(sizes[label], shares, owed)
  end
  local at = {}
  for _, row in ipairs(order) do
    local label = labels and labels[row] or 1
    local p = at[label] or 1
    while left[label][p] == 0 do p = p + 1 end
    at[label] = p
    left[label][p] = left[label][p] - 1
    table.insert(parts[p], row)
  end
  return parts
end

local function wants_strata(ds, o)
  local labels = dataset.has_labels(ds)
  if o.stratify and o.ordered then
    raise("split: an ordered split cannot be stratified")
  end
  if o.stratify and not labels then
    raise("split: only labels can be stratified, but y is %s", util.describe(ds.y))
  end
  if o.stratify == nil then return labels and not o.ordered end
  return o.stratify
end

return function(ds, options)
  local o = util.options("split", options, {
    stratify = {"boolean"}, ordered = {"boolean", false}, held_out = {"boolean"},
    seed = {"integer"},
  }, true)
  local shares = read_shares(options or {})
  local labels, sizes = groups_of(ds, wants_strata(ds, o))
  local order
  if o.ordered then
    order = {}
    for row = 1, #ds do order[row] = row end
  else
    order = core.randperm(#ds, {stream = "split", seed = o.seed}):totable()
  end
  local result = {}
  for p, rows in ipairs(assign(order, labels, sizes, shares)) do
    if #rows == 0 then
      raise("split: part %d of %d would be empty; %d samples are too few", p, #shares, #ds)
    end
    result[p] = dataset.take(ds, core.tensor(rows, {dtype = "int64"}))
  end
  if o.held_out or (o.held_out == nil and #result == 3) then result[#result].held_out = true end
  return table.unpack(result)
end
