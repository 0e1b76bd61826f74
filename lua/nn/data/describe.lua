-- describe.lua: dataset:describe, what the data are like, as fields and as a printed table.
local core = require "nn.core"
local dataset = require "nn.data.dataset"

local Description = {__name = "description"}

local MOST = 20          -- rows of a table that are printed in full
local FEW = 10           -- fewer samples than that make a class scarce ...
local RATIO = 10         -- ... as does a share that many times below the largest class's
local WIDE, UNEVEN = 10, 100 -- inputs beyond that, or of scales that far apart, are unscaled

local function sample_shape(t)
  local size = t:size()
  table.remove(size, 1)
  return #size == 0 and "1" or table.concat(size, "x")
end

-- ---- numbers ----------------------------------------------------------------------------------

-- Images have a row for each channel: rows and pixels of a channel together are its numbers.
local function as_columns(t)
  t = t:detach()
  if t:dim() == 4 then
    local c = t:size(2)
    return t:permute(1, 3, 4, 2):reshape(-1, c), "channel"
  end
  return t:contiguous(), "feature"
end

-- A list of {name, min, max, mean, std, missing, infinite}.
local function columns_of(t, names)
  local list = {}
  local columns, what = as_columns(t)
  local rows, stats = columns:size(1), core.rows.columns(columns):totable()
  for c = 1, #stats[1] do
    list[c] = {
      name = names and names[c] or ("%s %d"):format(what, c),
      min = stats[3][c], max = stats[4][c], mean = stats[5][c], std = math.sqrt(stats[6][c]),
      missing = math.tointeger(rows - stats[1][c]), infinite = math.tointeger(stats[2][c]),
    }
  end
  return list
end

local function classes_of(ds)
  local list, n = {}, #ds
  local values, counts = ds.y:unique()
  local labels, count = values:totable(), {}
  for i, c in ipairs(counts:totable()) do count[labels[i]] = c end
  if ds.classes then
    labels = {}
    for label = 1, #ds.classes do labels[label] = label end
  end
  for i, label in ipairs(labels) do
    local c = count[label] or 0
    list[i] = {
      name = ds.classes and tostring(ds.classes[label]) or tostring(label), label = label,
        count = c,
      share = n > 0 and c / n or 0,
    }
  end
  return list
end

-- ---- warnings ---------------------------------------------------------------------------------

-- "a, b and 3 more"
local function some(list)
  local shown = {}
  for i = 1, math.min(#list, 3) do shown[i] = list[i].name end
  local text = table.concat(shown, ", ")
  return #list > 3 and ("%s and %d more"):format(text, #list - 3) or text
end

local function where(list, test)
  local found = {}
  for _, entry in ipairs(list) do
    if test(entry) then found[#found + 1] = entry end
  end
  return found
end

local function warn_scale(d, warn)
  local least, most = math.huge, 0
  local wide = where(d.features, function(f)
    if f.std > 0 and f.std < math.huge then
      least, most = math.min(least, f.std), math.max(most, f.std)
    end
    return f.min < -WIDE or f.max > WIDE
  end)
  if #wide > 0 then
    local f = wide[1]
    warn("unscaled inputs: %s go beyond -%d..%d (%s: %.4g to %.4g); "
      .. "nn.data.Standardize():fit(train) scales them", some(wide), WIDE, WIDE, f.name, f.min,
        f.max)
  elseif most > UNEVEN * least and d.features[1].name ~= "channel 1" then
    warn("uneven inputs: their standard deviations go from %.3g to %.3g; "
      .. "nn.data.Standardize():fit(train) makes them alike", least, most)
  end
end

local function warn_features(d, warn)
  local missing = where(d.features, function(f) return f.missing > 0 end)
  local infinite = where(d.features, function(f) return f.infinite > 0 end)
  local constant = where(d.features, function(f) return f.min == f.max and d.samples > 1 end)
  if #missing > 0 then
    warn("missing numbers: %d NaN, in %s; a model makes NaN of them", d.missing, some(missing))
  end
  if #infinite > 0 then warn("infinite numbers in %s", some(infinite)) end
  warn_scale(d, warn)
  if #constant > 0 then
    warn("%d of %d inputs are constant and tell nothing: %s", #constant, #d.features,
      some(constant))
  end
end

local function warn_classes(d, warn)
  local largest = 0
  for _, c in ipairs(d.classes) do largest = math.max(largest, c.count) end
  local absent = where(d.classes, function(c) return c.count == 0 end)
  local scarce = where(d.classes, function(c)
    return c.count > 0 and (c.count < FEW or c.count * RATIO < largest)
  end)
  if #absent > 0 then warn("classes without a sample: %s", some(absent)) end
  if #scarce > 0 then
    warn("scarce classes: %s (%d of %d samples); accuracy hides how they do: look at the confusion "
      .. "matrix, or weigh them in the loss", some(scarce), scarce[1].count, d.samples)
  end
  if #d.classes == 1 then warn("all labels are the same") end
end

-- ---- the printed table ------------------------------------------------------------------------

local function number(v)
  return v ~= v and "-" or ("%.4g"):format(v)
end

-- The first column is aligned to the left, the others to the right.
local function print_table(out, head, rows)
  local width = {}
  for _, row in ipairs {head, table.unpack(rows)} do
    for c, text in ipairs(row) do width[c] = math.max(width[c] or 0, utf8.len(text) or #text) end
  end
  local function line(row)
    local words = {}
    for c, text in ipairs(row) do
      local pad = (" "):rep(width[c] - (utf8.len(text) or #text))
      words[c] = c == 1 and text .. pad or pad .. text
    end
    out[#out + 1] = ("  " .. table.concat(words, "  ")):gsub(" +$", "")
  end
  line(head)
  for _, row in ipairs(rows) do line(row) end
end

-- The entries as rows: all, or of many the first and the last.
local function rows_of(list, make)
  local rows, skipped = {}, #list > MOST and #list - MOST or 0
  for i, entry in ipairs(list) do
    if skipped == 0 or i <= MOST - 5 or i > #list - 5 then rows[#rows + 1] = make(entry) end
    if skipped > 0 and i == MOST - 5 then rows[#rows + 1] = {("... %d more"):format(skipped)} end
  end
  return rows
end

local function print_columns(out, what, list)
  print_table(out, {what, "min", "max", "mean", "std", "missing"}, rows_of(list, function(f)
    return {f.name, number(f.min), number(f.max), number(f.mean), number(f.std),
      tostring(f.missing)}
  end))
end

function Description.__tostring(d)
  local out = {d.title}
  print_columns(out, "x", d.features)
  if d.classes then
    print_table(out, {"class", "samples", "share"}, rows_of(d.classes, function(c)
      return {c.name, tostring(c.count), ("%.2f %%"):format(100 * c.share)}
    end))
  else
    print_columns(out, "y", d.targets)
  end
  for _, text in ipairs(d.warnings) do out[#out + 1] = "  warning: " .. text end
  return table.concat(out, "\n")
end

return function(ds)
  local d = {
    title = tostring(ds), samples = #ds, shape = sample_shape(ds.x), missing = 0, warnings = {},
    features = columns_of(ds.x, ds.x:dim() == 2 and ds.feature_names),
  }
  for _, f in ipairs(d.features) do d.missing = d.missing + f.missing end
  local function warn(format, ...) table.insert(d.warnings, format:format(...)) end
  if dataset.has_labels(ds) then d.classes = classes_of(ds) else d.targets = columns_of(ds.y) end
  if #ds == 0 then
    warn("there are no samples")
  else
    warn_features(d, warn)
    if d.classes then warn_classes(d, warn) end
  end
  local has = #ds > 0 and ds:duplicates()
  d.duplicates = has and #has or 0
  if d.duplicates > 0 then
    warn("%d sample%s an earlier one; split may put the same one on both sides", d.duplicates,
      d.duplicates == 1 and " repeats" or "s repeat")
  end
  return setmetatable(d, Description)
end
