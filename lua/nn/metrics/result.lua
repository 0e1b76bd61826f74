-- metrics/result.lua: what nn.evaluate returns: a plain table of numbers by name that prints as a
-- table, a confusion matrix with the names of the classes.
local core = require "nn.core"
local history = require "nn.history"
local util = require "nn.util"

local result = {}

-- Beside the results, so that `pairs` over one shows what was measured and nothing else.
local abouts = setmetatable({}, {__mode = "k"}) -- result -> {classes, opened}

local WIDEST = 30 -- a larger matrix is not printed

-- A matrix of counts with headings. One output's two classes are called 0 and 1.
local function matrix_lines(matrix, classes)
  local n = matrix:size(1)
  if n > WIDEST then
    return {("%d x %d; rows are the truth, columns the answers"):format(n, n)}
  end
  local rows, widths = {{"truth \\ answer"}}, {}
  for c = 1, n do rows[1][c + 1] = tostring(classes and classes[c] or c) end
  for r, counts in ipairs(matrix:totable()) do
    rows[r + 1] = {rows[1][r + 1], table.unpack(counts)}
  end
  for _, row in ipairs(rows) do
    for c, cell in ipairs(row) do
      row[c] = tostring(cell)
      widths[c] = math.max(widths[c] or 0, utf8.len(row[c]) or #row[c])
    end
  end
  for r, row in ipairs(rows) do
    for c, cell in ipairs(row) do
      row[c] = (" "):rep(widths[c] - (utf8.len(cell) or #cell)) .. cell
    end
    rows[r] = "  " .. table.concat(row, "  ")
  end
  return rows
end

local function tostring_result(self)
  local about = abouts[self] or {order = util.sorted_keys(self)}
  local lines, width, matrices = {}, 0, {}
  for _, name in ipairs(about.order) do width = math.max(width, #name) end
  for _, name in ipairs(about.order) do
    local v = self[name]
    if core.kind(v) == "tensor" then
      matrices[#matrices + 1] = name
    elseif v ~= nil then
      lines[#lines + 1] = name .. (" "):rep(width - #name + 2) .. history.text(v)
    end
  end
  for _, name in ipairs(matrices) do
    lines[#lines + 1] = name
    local classes = self[name]:size(1) == about.outputs and about.classes or nil
    for _, line in ipairs(matrix_lines(self[name], classes)) do lines[#lines + 1] = line end
  end
  if about.opened and about.opened > 1 then
    lines[#lines + 1] = ("(held out, and measured %d times: choices made by it flatter it)"):format(
      about.opened)
  end
  return table.concat(lines, "\n")
end

local meta = {__tostring = tostring_result, __name = "result"}

function result.new(values, list, data)
  local order = {values.loss and "loss"}
  for _, metric in ipairs(list) do order[#order + 1] = metric.name end
  local classes = data.classes
  abouts[values] = {
    order = order, opened = data.held_out and data.opened, classes = classes,
    outputs = classes and #classes,
  }
  return setmetatable(values, meta)
end

return result
