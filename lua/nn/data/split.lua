-- split.lua: dataset:split and dataset:kfold, the parts of a dataset. Every part gets its share of
-- every class, rounded up or down, and of the whole. Rows are dealt out in C, in one random order.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local util = require "nn.util"

local raise = util.raise
local split = {}

local DUST = 1e-9 -- what products of fractions may be off by

-- ---- shares -----------------------------------------------------------------------------------

local function check_share(i, share, n)
  local whole = type(share) == "number" and math.tointeger(share)
  if whole and whole >= 1 or type(share) == "number" and share > 0 and share < 1 then
    return whole and whole / n or share, whole and true or false
  end
  raise("split: part %d must be a fraction between 0 and 1, got %s (whole numbers from 1 are "
    .. "numbers of samples)", i, util.describe(share))
end

-- Fractions of the whole, which add up to 1. Whole numbers from 1 are numbers of samples.
local function read_shares(given, n)
  local shares, sum, counts = {}, 0, nil
  for i, share in ipairs(given) do
    local fraction, counted = check_share(i, share, n)
    if i > 1 and counted ~= counts then
      raise("split: parts are fractions or numbers of samples, not both, got %s and %s", given[1],
        share)
    end
    shares[i], counts, sum = fraction, counted, sum + (counted and share or fraction)
  end
  if #shares < 2 then
    raise("split: expected two fractions or more, as in ds:split{0.7, 0.15, 0.15}, got %d", #shares)
  end
  if counts and sum ~= n then
    raise("split: the numbers of samples must add up to %d, all that there are, got %.14g", n,
      sum)
  elseif not counts and math.abs(sum - 1) > 1e-6 then
    raise("split: the fractions must add up to 1, got %.6g", sum)
  end
  for i = 1, counts and 0 or #shares do shares[i] = shares[i] / sum end
  return shares
end

-- ---- how many rows of a class go to each part -------------------------------------------------

-- How many of a class of n each part gets. What rounding down leaves over goes to the parts that
-- `owed` says had most rounded away so far, at most one each.
local function deal(n, shares, owed)
  local counts, rest, parts = {}, n, {}
  for p, share in ipairs(shares) do
    local exact = n * share
    counts[p] = math.floor(exact + DUST)
    rest = rest - counts[p]
    owed[p] = owed[p] + exact - counts[p]
    if exact - counts[p] > DUST then parts[#parts + 1] = p end
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

-- Whether some class can give one row of part a to part b, both staying rounded shares: its number.
local function giver(counts, sizes, shares, a, b)
  for g, n in ipairs(sizes) do
    local from, to = n * shares[a], n * shares[b]
    if counts[g][a] > from + DUST and counts[g][b] < to - DUST then return g end
  end
end

-- Moves one row from part `a` to a part that has too few, by way of others where it must be.
local function mend(counts, sizes, shares, a, short)
  local from, queue, seen = {}, {a}, {[a] = true}
  for _, part in ipairs(queue) do
    if short[part] > 0 then
      short[part], short[a] = short[part] - 1, short[a] + 1
      while part ~= a do
        local before, g = from[part][1], from[part][2]
        counts[g][before], counts[g][part] = counts[g][before] - 1, counts[g][part] + 1
        part = before
      end
      return true
    end
    for other = 1, #shares do
      local g = not seen[other] and giver(counts, sizes, shares, part, other)
      if g then
        seen[other], from[other] = true, {part, g}
        queue[#queue + 1] = other
      end
    end
  end
  return false
end

local MOST_PARTS = 64 -- with more, one sample more or less than the share is right enough

-- counts[class][part], each a share rounded up or down, and the parts' sizes as well.
local function counts_of(sizes, n, shares)
  local counts, owed, short = {}, {}, {}
  for p = 1, #shares do owed[p] = 0 end
  for g, size in ipairs(sizes) do counts[g] = deal(size, shares, owed) end
  if #shares > MOST_PARTS then return counts end
  for p = 1, #shares do owed[p] = 0 end
  for p, size in ipairs(deal(n, shares, owed)) do
    short[p] = size
    for g = 1, #sizes do short[p] = short[p] - counts[g][p] end
  end
  for p = 1, #shares do
    while short[p] < 0 and mend(counts, sizes, shares, p, short) do end
  end
  return counts
end

-- ---- classes and groups -------------------------------------------------------------------------

-- Each row's code 1..n as a tensor, and the sizes.
local function codes_of(labels)
  local values, sizes = labels:unique()
  return core.rows.codes(labels:contiguous(), values), sizes:totable()
end

-- Groups given as a list, numbered as they first appear.
local function codes_of_list(groups, n, owner)
  if #groups ~= n then
    raise("%s: option 'groups' must name the group of each of the %d samples, got %d names", owner,
      n,
      #groups)
  end
  local number, codes, sizes = {}, {}, {}
  for row, name in ipairs(groups) do
    local kind = type(name)
    if kind ~= "string" and kind ~= "number" and kind ~= "boolean" or name ~= name then
      raise("%s: groups[%d] must be a number or a string, got %s", owner, row, util.describe(name))
    end
    local g = number[name]
    if not g then
      g = #sizes + 1
      number[name], sizes[g] = g, 0
    end
    codes[row], sizes[g] = g, sizes[g] + 1
  end
  return n > 0 and core.tensor(codes, {dtype = "int64"}) or core.zeros({0}, {dtype = "int64"}),
    sizes
end

local function codes_of_groups(groups, n, owner)
  if core.kind(groups) == "tensor" then
    if groups:dim() ~= 1 or groups:size(1) ~= n then
      raise("%s: option 'groups' must name the group of each of the %d samples, got %s", owner, n,
        util.describe(groups))
    end
    if groups:dtype() == "int64" then return codes_of(groups) end
    return codes_of_list(groups:totable(), n, owner)
  end
  if type(groups) ~= "table" then
    raise("%s: option 'groups' must be a list or a tensor with a name for each sample, got %s",
      owner,
      util.describe(groups))
  end
  return codes_of_list(groups, n, owner)
end

local function wants_strata(ds, o, owner)
  local labels = dataset.has_labels(ds)
  if o.stratify and o.ordered then
    raise("%s: an ordered split cannot be stratified", owner)
  end
  if o.stratify and not labels then
    raise("%s: only labels can be stratified, but y is %s", owner, util.describe(ds.y))
  end
  if o.stratify == nil then return labels and not o.ordered end
  return o.stratify
end

-- For each group how many of each class it has, {[class] = n, list = the classes}.
local function classes_of_groups(codes, classes)
  local content, labels = {}, classes and classes:totable()
  for row, g in ipairs(codes:totable()) do
    local class = labels and labels[row] or 1
    content[g] = content[g] or {list = {}}
    if not content[g][class] then table.insert(content[g].list, class) end
    content[g][class] = (content[g][class] or 0) + 1
  end
  return content
end

-- By how much further the part is from its shares with that group in it.
local function cost(content, have, share, sizes)
  local sum = 0
  for _, class in ipairs(content.list) do -- in order, so that the sum has the same bits each time
    local n, size = content[class], sizes[class]
    sum = sum + n * (2 * ((have[class] or 0) - size * share) + n) / (size * size)
  end
  return sum
end

-- Puts whole groups where they fit best, the largest first, equal ones in random order.
local function place_groups(content, order_of_groups, sizes_of_groups, sizes, shares)
  local have, empty, place = {}, #shares, {}
  for p = 1, #shares do have[p] = {} end
  table.sort(order_of_groups, function(a, b)
    if sizes_of_groups[a.g] ~= sizes_of_groups[b.g] then
      return sizes_of_groups[a.g] > sizes_of_groups[b.g]
    end
    return a.at < b.at
  end)
  for i, entry in ipairs(order_of_groups) do
    local left = #order_of_groups - i + 1
    local best, least
    for p, share in ipairs(shares) do
      local c = cost(content[entry.g], have[p], share, sizes)
      if (left > empty or next(have[p]) == nil) and (not least or c < least) then
        best, least = p, c
      end
    end
    if next(have[best]) == nil then empty = empty - 1 end
    for _, class in ipairs(content[entry.g].list) do
      have[best][class] = (have[best][class] or 0) + content[entry.g][class]
    end
    place[entry.g] = best
  end
  return place
end

-- Groups stay whole: codes, counts[group][part].
local function grouped(ds, o, order, shares, owner)
  local codes, sizes_of_groups = codes_of_groups(o.groups, #ds, owner)
  if #sizes_of_groups < #shares then
    raise("%s: %d groups cannot fill %d parts; a group is never cut", owner, #sizes_of_groups,
      #shares)
  end
  local classes, sizes = nil, {#ds}
  if wants_strata(ds, o, owner) then classes, sizes = codes_of(ds.y) end
  local seen, order_of_groups = {}, {}
  for _, g in ipairs(codes[order]:totable()) do
    if not seen[g] then
      seen[g] = true
      order_of_groups[#order_of_groups + 1] = {g = g, at = #order_of_groups}
    end
  end
  local content = classes_of_groups(codes, classes)
  local place = place_groups(content, order_of_groups, sizes_of_groups, sizes, shares)
  local counts = {}
  for g, size in ipairs(sizes_of_groups) do
    counts[g] = {}
    for p = 1, #shares do counts[g][p] = place[g] == p and size or 0 end
  end
  return codes, counts
end

-- ---- parts ------------------------------------------------------------------------------------

-- The row numbers of each part: a list of int64 tensors.
local function parts_of(ds, o, order, shares, owner)
  local codes, counts, sizes
  if o.groups ~= nil then
    codes, counts = grouped(ds, o, order, shares, owner)
  else
    sizes = {#ds}
    if wants_strata(ds, o, owner) then codes, sizes = codes_of(ds.y) end
    counts = counts_of(sizes, #ds, shares)
  end
  local rows = core.rows.deal(order, codes, core.tensor(counts, {dtype = "int64"}))
  local parts, first = {}, 1
  for p = 1, #shares do
    local n = 0
    for g = 1, #counts do n = n + counts[g][p] end
    if n == 0 then
      raise("%s: part %d of %d would be empty; %d samples are too few", owner, p, #shares, #ds)
    end
    parts[p] = rows:narrow(1, first, n)
    first = first + n
  end
  return parts
end

local function order_of(ds, shuffle, seed)
  if not shuffle then return core.range(1, #ds) end
  return core.randperm(#ds, {stream = "split", seed = seed})
end

local function check_filled(ds, owner)
  if #ds == 0 then raise("%s: the dataset has no samples", owner) end
end

--- dataset:split{0.7, 0.15, 0.15, stratify, groups, ordered, held_out, seed} -> dataset, ...
--- The parts of a dataset, disjoint and all of it: fractions that add up to 1, or numbers of
--- samples that add up to all. Rows are shuffled, by the stream of splits or by `seed` alone (the
--- same parts on every machine). Where y holds labels every part gets its share of every class,
--- rounded up or down (`stratify = false`: not). `groups`: a list or tensor that names the group of
--- each row (patients, writers, ...): a group is never cut, shares are as near as whole groups
--- allow. `ordered = true`: the first rows are the first part, as time series want it. The last of
--- three parts is marked as held out (`held_out = true` or `false` says so for any number): nn.fit
--- and its kin refuse it, nn.evaluate counts how often it was looked at, in its field `opened`.
--- Example:
---   local train, val, test = nn.data.digits():split {0.7, 0.15, 0.15, seed = 1}
---   print(train, val, test)
function split.split(ds, options)
  local o = util.options("split", options, {
    stratify = {"boolean"}, ordered = {"boolean", false}, held_out = {"boolean"}, groups = {"any"},
    seed = {"integer"},
  }, true)
  check_filled(ds, "split")
  if o.ordered and o.groups ~= nil then
    raise("split: an ordered split cannot keep groups together; choose one of the two")
  end
  if o.ordered and o.seed then raise("split: an ordered split draws nothing, so needs no seed") end
  local shares = read_shares(options or {}, #ds)
  local parts = parts_of(ds, o, order_of(ds, not o.ordered, o.seed), shares, "split")
  for p, rows in ipairs(parts) do parts[p] = dataset.take(ds, rows, "split") end
  if o.held_out or (o.held_out == nil and #parts == 3) then
    parts[#parts].held_out = true
  end
  return table.unpack(parts)
end

-- A fold makes its two datasets when they are asked for, and keeps them only while somebody does:
-- all folds at once would be k copies of the data.
local function fold(ds, parts, p, shuffle)
  local made = setmetatable({}, {__mode = "v"})
  local function make(name)
    if name == "val" then return dataset.take(ds, parts[p], "kfold") end
    local rest = {}
    for q = 1, #parts do
      if q ~= p then rest[#rest + 1] = parts[q] end
    end
    local rows = core.cat(rest, 1)
    if not shuffle then rows = rows:sort() end
    return dataset.take(ds, rows, "kfold")
  end
  local function get(_, name)
    if name ~= "train" and name ~= "val" then return nil end
    local part = made[name] or make(name)
    made[name] = part
    return part
  end
  local function step(self, name)
    local after = name == nil and "train" or name == "train" and "val" or nil
    return after, after and self[after]
  end
  return setmetatable({}, {
    __index = get, __name = "fold", __pairs = function(self) return step, self, nil end,
    __tostring = function()
      local n = parts[p]:size(1)
      return ("fold %d of %d: train %d, val %d"):format(p, #parts, #ds - n, n)
    end,
  })
end

--- dataset:kfold(k, {stratify, shuffle = true, groups, seed}) -> list of {train =, val =}
--- k times the whole dataset in two parts, such that every row is in `val` once: k parts of
--- (nearly) the same size take turns. Stratified where y holds labels, with `groups` never cut,
--- drawn as dataset:split draws; `shuffle = false`: rows keep their order. k may be the number of
--- samples (leave one out). A fold's two datasets are made when they are asked for.
--- Example:
---   for i, fold in ipairs(nn.data.iris():kfold(5)) do print(i, #fold.train, #fold.val) end
function split.kfold(ds, k, options)
  local o = util.options("kfold", options, {
    stratify = {"boolean"}, shuffle = {"boolean", true}, groups = {"any"}, seed = {"integer"},
  })
  if math.type(k) ~= "integer" or k < 2 then
    raise("kfold: k must be a whole number from 2, got %s", util.describe(k))
  end
  if k > #ds then raise("kfold: %d samples cannot make %d folds", #ds, k) end
  if o.seed and not o.shuffle then raise("kfold: a seed without shuffle has nothing to do") end
  local shares = {}
  for p = 1, k do shares[p] = 1 / k end
  local parts = parts_of(ds, o, order_of(ds, o.shuffle, o.seed), shares, "kfold")
  local folds = {}
  for p = 1, k do folds[p] = fold(ds, parts, p, o.shuffle) end
  return folds
end

return split
