-- plot/colors.lua: what colours pictures have.
--
-- Series: the palette of M. Okabe and K. Ito ("Color Universal Design", 2008), which people with
-- any common colour vision tell apart, in an order whose neighbours differ in lightness too.
-- Ramps: "viridis" is our straight-line approximation through ten samples of matplotlib's map of
-- that name (S. van der Walt, N. Smith, CC0); "diverging" runs from the palette's blue over white
-- to its vermilion; "pale" and "blue" are light enough to carry lines and text; "grey" is ink on
-- paper, 0 white.
local util = require "nn.util"

local colors = {}

colors.ink, colors.muted, colors.axis = "#222222", "#555555", "#8c8c8c"
colors.grid, colors.paper, colors.missing = "#e4e4e4", "#ffffff", "#c9c9c9"

colors.series = {
  "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d", "#8a7500",
}

colors.names = {
  blue = "#0072b2", vermilion = "#d55e00", red = "#d55e00", green = "#009e73", purple = "#cc79a7",
  pink = "#cc79a7", orange = "#e69f00", sky = "#56b4e9", grey = "#8c8c8c", gray = "#8c8c8c",
  black = "#222222", white = "#ffffff", yellow = "#f0e442", olive = "#8a7500",
}

local stops = {
  viridis = {"#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779",
    "#6ece58", "#b5de2b", "#fde725"},
  diverging = {"#005a8c", "#3d93c4", "#a3cde6", "#f7f7f7", "#f5c3a3", "#e08344", "#a84a00"},
  pale = {"#4f86a9", "#7fa9c3", "#a8c5d7", "#c8dae6", "#e0ebf2", "#f4f8fb"},
  blue = {"#ffffff", "#d6e6f2", "#a4cbe3", "#65a6cf", "#2f82b8", "#005f96", "#00436b"},
  grey = {"#ffffff", "#000000"},
  ink = {"#000000", "#ffffff"},
}
colors.ramps = util.sorted_keys(stops)

-- "#rrggbb" as three numbers in 0..255.
function colors.rgb(hex)
  return tonumber(hex:sub(2, 3), 16), tonumber(hex:sub(4, 5), 16), tonumber(hex:sub(6, 7), 16)
end


-- Between two colours; t = 0 gives the first.
function colors.mix(from, to, t)
  local r, g, b = colors.rgb(from)
  local r2, g2, b2 = colors.rgb(to)
  return ("#%02x%02x%02x"):format(math.floor(r + (r2 - r) * t + 0.5),
    math.floor(g + (g2 - g) * t + 0.5), math.floor(b + (b2 - b) * t + 0.5))
end

-- The colour of series number i.
function colors.of(i)
  return colors.series[(i - 1) % #colors.series + 1]
end

-- A ramp by name: a function of t in 0..1.
function colors.ramp(owner, name)
  local list = stops[name]
  if not list then util.unknown(owner, "ramp", tostring(name), colors.ramps) end
  return function(t)
    if t ~= t then return colors.missing end
    local at = math.max(0, math.min(1, t)) * (#list - 1)
    local i = math.min(math.floor(at), #list - 2)
    return colors.mix(list[i + 1], list[i + 2], at - i)
  end
end

-- A ramp as 256 colours and the one for missing values: three lists of 257 bytes.
function colors.table(ramp)
  local r, g, b = {}, {}, {}
  for i = 1, 257 do
    r[i], g[i], b[i] = colors.rgb(i == 257 and colors.missing or ramp((i - 1) / 255))
  end
  return r, g, b
end

-- How light a colour looks, 0..1 (Rec. 709 weights on the encoded values: near enough).
function colors.lightness(color)
  local r, g, b = colors.rgb(color)
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255
end

-- The user's colour: "#rrggbb" or a name.
function colors.read(owner, v)
  local color = type(v) == "string" and (colors.names[v] or v:lower())
  if color and color:find "^#%x%x%x%x%x%x$" then return color end
  util.raise('%s: a color is "#rrggbb" or one of %s; got %s', owner,
    table.concat(util.sorted_keys(colors.names), ", "), util.describe(v))
end

return colors
