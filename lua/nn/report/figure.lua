-- report/figure.lua: a picture in a page: SVG in the page's colours, the data behind its curves for
-- the script and, as a table, for whoever cannot see them.
local colors = require "nn.plot.colors"
local medium = require "nn.plot.medium"
local picture = require "nn.plot.picture"
local scale = require "nn.plot.scale"
local simplify = require "nn.plot.simplify"
local svg = require "nn.plot.svg"
local text = require "nn.plot.text"

local figure = {}

local POINTS, ROWS = 500, 200 -- of a series in the data, of a table

-- ---- colours ----------------------------------------------------------------------------------

local variables = {}
for _, name in ipairs {"ink", "muted", "axis", "grid", "paper"} do
  variables[colors[name]] = ('"var(--%s)"'):format(name)
end
for i, color in ipairs(colors.series) do variables[color] = ('"var(--s%d)"'):format(i) end

local function recolor(color) return variables[color] end

-- What is drawn on pale fields or pixels keeps a white ground.
local function is_fixed(p)
  for _, one in ipairs(p.pictures or {}) do
    if is_fixed(one) then return true end
  end
  for _, layer in ipairs(p.layers) do
    if layer.under or layer.alone or layer.plain then return true end
  end
  return false
end

-- ---- data -------------------------------------------------------------------------------------

local function json_text(s)
  return '"' .. text.clean(s):gsub('[\\"<>&]', function(c)
    return ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function json_number(v)
  if v - v ~= 0 then return "null" end
  return ("%.7g"):format(v)
end

local function json_list(list, indices)
  local out = {}
  for k, i in ipairs(indices) do out[k] = json_number(list[i]) end
  return "[" .. table.concat(out, ",") .. "]"
end

-- The curves and points of a panel.
local function curves(panel)
  local list = {}
  for _, layer in ipairs(panel.layers) do
    if layer.kind == "line" or layer.kind == "scatter" then
      for k, s in ipairs(layer.series) do
        if #s.y > 0 then list[#list + 1] = {s = s, look = layer.looks[k], kind = layer.kind} end
      end
    end
  end
  return list
end

local function json_panel(entry)
  local view, panel, parts = entry.view, entry.panel, {}
  for _, c in ipairs(curves(panel)) do
    local indices = simplify.indices(#c.s.y, POINTS)
    local variable = variables[c.look.color]
    parts[#parts + 1] = ('{"name":%s,"color":%s,"x":%s,"y":%s}'):format(json_text(c.s.name or ""),
      variable or json_text(c.look.color), json_list(c.s.x, indices), json_list(c.s.y, indices))
  end
  local xr, yr = view.xrange, view.yrange
  return ('{"left":%s,"top":%s,"width":%s,"height":%s,"x0":%s,"x1":%s,"y0":%s,"y1":%s,'
    .. '"xlog":%s,"ylog":%s,"xlabel":%s,"series":[%s]}'):format(json_number(view.left),
    json_number(view.top), json_number(view.width), json_number(view.height),
    json_number(xr.lo), json_number(xr.hi), json_number(yr.lo), json_number(yr.hi),
    tostring(xr.log and true or false), tostring(yr.log and true or false),
    json_text(panel.options.xlabel or panel.x_name or ""), table.concat(parts, ","))
end

-- ---- words ------------------------------------------------------------------------------------

local function describe_curve(c)
  local s, lo, hi = c.s, math.huge, -math.huge
  for _, v in ipairs(s.y) do
    if v - v == 0 then lo, hi = math.min(lo, v), math.max(hi, v) end
  end
  local name = s.name and s.name .. ": " or ""
  return ("%s%d points from %s to %s, lowest %s, highest %s"):format(name, #s.y,
    scale.label(s.y[1]), scale.label(s.y[#s.y]), scale.label(lo), scale.label(hi))
end

-- What a picture shows, in words.
local function describe(p, views)
  local parts = {p.options.title or "picture"}
  for _, entry in ipairs(views) do
    local o, list = entry.panel.options, curves(entry.panel)
    if #list > 0 then
      local axes = ("%s over %s"):format(o.ylabel or "y",
        o.xlabel or entry.panel.x_name or "x")
      local words = {}
      for i, c in ipairs(list) do
        if i <= 12 then words[i] = describe_curve(c) end
      end
      parts[#parts + 1] = axes .. "; " .. table.concat(words, "; ")
    end
  end
  if #parts == 1 then
    local kinds = {}
    for _, layer in ipairs(p.layers) do kinds[#kinds + 1] = layer.kind end
    parts[2] = table.concat(kinds, ", ")
  end
  return table.concat(parts, ". ")
end

-- One table of all curves that share a panel; x in the first column.
local function curve_table(entry)
  local lines, at, xs = {}, {}, {}
  for _, c in ipairs(curves(entry.panel)) do
    if c.kind == "line" then lines[#lines + 1] = c end
  end
  if #lines == 0 then return "" end
  for k, c in ipairs(lines) do
    for i, x in ipairs(c.s.x) do
      if x == x then
        if not at[x] then
          at[x] = {}
          xs[#xs + 1] = x
        end
        at[x][k] = c.s.y[i]
      end
    end
  end
  table.sort(xs)
  local o = entry.panel.options
  local columns, rows = {o.xlabel or "x"}, {}
  for k, c in ipairs(lines) do columns[k + 1] = c.s.name or o.ylabel or "y" end
  for _, i in ipairs(simplify.indices(#xs, ROWS)) do
    local row = {xs[i]}
    for k = 1, #lines do row[k + 1] = at[xs[i]][k] or "" end
    rows[#rows + 1] = row
  end
  local note = #xs > ROWS and (" (%d of %d rows)"):format(ROWS, #xs) or ""
  return ("<details><summary>The numbers%s</summary>%s</details>\n"):format(note,
    figure.table(columns, rows))
end

-- ---- HTML -------------------------------------------------------------------------------------

local function cell(v)
  if type(v) == "number" then
    if math.type(v) == "integer" then return "<td>" .. v .. "</td>" end
    return "<td>" .. ("%.6g"):format(v) .. "</td>"
  end
  return '<td class="text">' .. text.escape(v) .. "</td>"
end

-- A table: names of columns, rows of numbers and texts.
function figure.table(columns, rows)
  local out = {'<div class="wide"><table><thead><tr>'}
  for k, name in ipairs(columns) do
    local words = rows[1] and type(rows[1][k]) == "string" and rows[1][k] ~= ""
    out[#out + 1] = ('<th scope="col"%s>%s</th>'):format(words and ' class="text"' or "",
      text.escape(name))
  end
  out[#out + 1] = "</tr></thead><tbody>\n"
  for _, row in ipairs(rows) do
    local cells = {}
    for k = 1, math.max(#columns, #row) do cells[k] = cell(row[k] == nil and "" or row[k]) end
    out[#out + 1] = "<tr>" .. table.concat(cells) .. "</tr>\n"
  end
  out[#out + 1] = "</tbody></table></div>\n"
  return table.concat(out)
end

-- A picture as a <figure>; `tables`: false leaves the numbers out.
function figure.html(p, caption, tables)
  local width, height = p:_size()
  local m = medium.page(width, height)
  m.views = {}
  local scene = picture.draw(p, m)
  local words = describe(p, m.views)
  local drawn = svg.write(scene, {title = words, inline = true, recolor = recolor})
  local panels, numbers = {}, {}
  for _, entry in ipairs(m.views) do
    if #curves(entry.panel) > 0 and entry.view.xrange then
      panels[#panels + 1] = json_panel(entry)
      if tables ~= false then numbers[#numbers + 1] = curve_table(entry) end
    end
  end
  return ('<figure data-plot%s>\n%s%s%s</figure>\n%s'):format(
    is_fixed(p) and ' class="fixed"' or "", drawn,
    caption and "<figcaption>" .. text.escape(caption) .. "</figcaption>\n" or "",
    #panels > 0 and ('<script type="application/json">[%s]</script>\n'):format(
      table.concat(panels, ",")) or "", table.concat(numbers))
end

return figure
