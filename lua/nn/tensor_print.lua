-- tensor_print.lua: the text of a tensor. Reads only the slices that it shows.
local util = require "nn.util"

local WIDTH = 96       -- columns of text
local ROWS, ENDS = 20, 8   -- more rows than ROWS: the first and last ENDS
local BLOCKS, BLOCK_ENDS = 6, 2 -- the same for the 2-d slices of more dimensions

local function is_whole(v)
  return v == math.floor(v)
end

-- How the numbers shown together are written, so that they can be compared down a column.
local function number_format(values)
  local largest, whole = 0, true
  for _, v in ipairs(values) do
    if v - v == 0 then
      largest = math.max(largest, math.abs(v))
      whole = whole and is_whole(v)
    end
  end
  if whole and largest < 1e9 then return "%.0f" end
  if largest >= 1e6 or largest < 1e-3 then return "%.4e" end
  return "%.4f"
end

local function write(v, format)
  if v ~= v then return "nan" end
  if v == math.huge then return "inf" end
  if v == -math.huge then return "-inf" end
  if math.type(v) == "integer" then return tostring(v) end
  local text = format:format(v)
  return text:find "[1-9]" and text or text:gsub("^-", "") -- no minus before a zero
end

-- Which of n to show: the head's length and the tail's; 0 tail: all.
local function ends(n, most, each)
  if n <= most then return n, 0 end
  return each, each
end

-- The numbers of rows and columns shown of a 2-d tensor, as a list of rows.
local function read(x, head, tail, left, right)
  local rows = {}
  local function take(first, count)
    if count == 0 then return end
    local part = x:narrow(1, first, count)
    local near = part:narrow(2, 1, left):totable()
    local far = right > 0 and part:narrow(2, x:size(2) - right + 1, right):totable()
    for i = 1, count do
      if far then table.move(far[i], 1, right, left + 1, near[i]) end
      rows[#rows + 1] = near[i]
    end
  end
  take(1, head)
  take(x:size(1) - tail + 1, tail)
  return rows
end

local function texts_of(rows)
  local all, width = {}, 0
  for _, row in ipairs(rows) do table.move(row, 1, #row, #all + 1, all) end
  local format = number_format(all)
  for _, row in ipairs(rows) do
    for j, v in ipairs(row) do
      row[j] = write(v, format)
      width = math.max(width, #row[j])
    end
  end
  return rows, width
end

-- Lines of a 2-d tensor. Reads as many columns as could fit, then shows those that do.
local function matrix(x, lines, indent)
  local n, m = x:size(1), x:size(2)
  local head, tail = ends(n, ROWS, ENDS)
  local left, right = ends(m, WIDTH // 3, WIDTH // 6)
  local rows, width = texts_of(read(x, head, tail, left, right))
  local fit = math.max(2, (WIDTH - #indent - 4) // (width + 2))
  if right == 0 and m > fit then left, right = fit - fit // 2, fit // 2
  elseif right > 0 then left, right = math.min(left, fit - fit // 2), math.min(right, fit // 2) end
  for i, row in ipairs(rows) do
    local line = {}
    for j = 1, left do line[j] = (" "):rep(width - #row[j] + 2) .. row[j] end
    if right > 0 then line[#line + 1] = "  .." end
    for j = #row - right + 1, right > 0 and #row or 0 do
      line[#line + 1] = (" "):rep(width - #row[j] + 2) .. row[j]
    end
    lines[#lines + 1] = indent .. table.concat(line)
    if tail > 0 and i == head then lines[#lines + 1] = indent .. "  .." end
  end
end

-- The 2-d slices of a tensor with more dimensions, each under its index.
local function blocks(x, lines, index)
  if x:dim() == 2 then
    lines[#lines + 1] = "[" .. table.concat(index, ", ") .. "]"
    return matrix(x, lines, "")
  end
  local head, tail = ends(x:size(1), BLOCKS, BLOCK_ENDS)
  if #index > 0 then head, tail = ends(x:size(1), BLOCK_ENDS, 1) end
  for i = 1, x:size(1) do
    if i <= head or i > x:size(1) - tail then
      index[#index + 1] = i
      blocks(x:select(1, i), lines, index)
      index[#index] = nil
    elseif i == head + 1 then
      lines[#lines + 1] = ".."
    end
  end
end

local function scalar(x)
  local v = x:item()
  if math.type(v) == "integer" then return tostring(v) end
  if v - v ~= 0 then return write(v) end
  return (x:dtype() == "float32" and "%.7g" or "%.15g"):format(v)
end

return function(t)
  local x = t:detach()
  local mark = t.requires_grad and ", requires grad" or ""
  if x:dim() == 0 then return ("%s (%s%s)"):format(scalar(x), x:dtype(), mark) end
  local lines = {("%s tensor of %s%s"):format(x:dtype(), util.shape(x), mark)}
  if x:numel() == 0 then return lines[1] .. ", empty" end
  if x:dim() == 1 then
    matrix(x:expand(1, x:numel()), lines, "") -- a view, where reshape might copy
  elseif x:dim() == 2 then
    matrix(x, lines, "")
  else
    blocks(x, lines, {})
  end
  return table.concat(lines, "\n")
end
