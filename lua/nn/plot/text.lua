-- plot/text.lua: text from anywhere made fit for a picture, and how wide it will be.
--
-- Whichever sans-serif font a reader has, layout must hold: widths are those of DejaVu Sans, which
-- is wider than Helvetica, Arial and Liberation Sans.
local text = {}

text.family = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

-- Hundredths of the size, from the space to the tilde.
local regular = {
  32, 40, 46, 84, 64, 95, 78, 28, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
  64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 78, 75, 30, 30, 66, 56, 86, 75, 79,
  60, 79, 70, 64, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 64, 55, 64, 62, 35, 64,
  63, 28, 28, 58, 28, 97, 63, 61, 64, 64, 41, 52, 39, 63, 59, 82, 59, 59, 53, 64, 34, 64, 84,
}
local BOLD, OTHER, WIDE = 1.12, 66, 102
local WIDE_FROM, SUPER_FROM, SUPER_TO = 0x1100, 0x2070, 0x208e

local function glyph(code)
  if code >= 32 and code <= 126 then return regular[code - 31] end
  if code >= SUPER_FROM and code <= SUPER_TO then return 42 end
  if code == 0xb9 or code == 0xb2 or code == 0xb3 then return 42 end
  if code == 0x2212 or code == 0xd7 then return 84 end
  return code >= WIDE_FROM and (code < 0x2000 or code > 0x2fff) and WIDE or OTHER
end

-- The width of a text at a size.
function text.width(s, size, bold)
  local sum = 0
  for _, code in utf8.codes(s) do sum = sum + glyph(code) end
  return sum / 100 * size * (bold and BOLD or 1)
end

-- How many terminal cells a text takes.
function text.cells(s)
  local sum = 0
  for _, code in utf8.codes(s) do sum = sum + (text.is_wide(code) and 2 or 1) end
  return sum
end

-- Whether a terminal gives a character two cells: East Asian scripts and emoji.
function text.is_wide(code)
  return code >= 0x1100 and (code <= 0x115f or (code >= 0x2e80 and code <= 0xa4cf)
    or (code >= 0xac00 and code <= 0xd7a3) or (code >= 0xf900 and code <= 0xfaff)
    or (code >= 0xfe30 and code <= 0xfe6f) or (code >= 0xff00 and code <= 0xff60)
    or (code >= 0x1f300 and code <= 0x1faff) or (code >= 0x20000 and code <= 0x3fffd))
end

-- What neither XML nor a terminal should be given: control characters, those that turn the
-- direction of writing around, marks that stack on their neighbours without end.
local function unwelcome(code)
  return code < 32 or (code >= 0x7f and code < 0xa0) or (code >= 0x202a and code <= 0x202e)
    or (code >= 0x2066 and code <= 0x2069) or (code >= 0x300 and code <= 0x36f)
    or code == 0xfffe or code == 0xffff or code == 0xfeff or code == 0x200f or code == 0x200e
end

local MOST = 1000 -- characters: no label is that long

-- Valid UTF-8 without control characters; whatever is not becomes U+FFFD or a space.
function text.clean(s)
  s = tostring(s)
  if #s < MOST and not s:find "[^\32-\126]" then return s end
  local out, at = {}, 1
  while at <= #s and #out < MOST do
    local length, bad = utf8.len(s, at, at)
    if not length then
      out[#out + 1] = "\u{fffd}"
      at = bad + 1
    else
      local code, stop = utf8.codepoint(s, at), utf8.offset(s, 2, at)
      if not unwelcome(code) then
        out[#out + 1] = s:sub(at, stop - 1)
      elseif code == 9 or code == 10 or code == 13 then
        out[#out + 1] = " "
      end
      at = stop
    end
  end
  return table.concat(out)
end

local entities = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  ["'"] = "&#39;"}

-- For XML and HTML, in text and in attributes.
function text.escape(s)
  return (text.clean(s):gsub("[&<>\"']", entities))
end

-- The text, or its beginning with an ellipsis, no wider than `most` by `width(s)`.
function text.fit(s, most, width)
  if width(s) <= most then return s end
  local low, high, ends = 0, 0, {[0] = 0}
  for at in utf8.codes(s) do
    if at > 1 then
      high = high + 1
      ends[high] = at - 1
    end
  end
  while low < high do
    local middle = (low + high + 1) // 2
    if width(s:sub(1, ends[middle]) .. "…") <= most then low = middle else high = middle - 1 end
  end
  return low == 0 and "" or s:sub(1, ends[low]):gsub("%s+$", "") .. "…"
end

-- The text in at most `rows` lines no wider than `most`, broken at spaces.
function text.wrap(s, most, rows, width)
  local lines, line = {}, nil
  for word in s:gmatch "%S+" do
    local longer = line and line .. " " .. word or word
    if line and width(longer) > most and #lines < rows - 1 then
      lines[#lines + 1] = line
      line = word
    else
      line = longer
    end
  end
  lines[#lines + 1] = line
  for i, l in ipairs(lines) do lines[i] = text.fit(l, most, width) end
  return lines
end

local raised = {["0"] = "⁰", ["1"] = "¹", ["2"] = "²", ["3"] = "³", ["4"] = "⁴", ["5"] = "⁵",
  ["6"] = "⁶", ["7"] = "⁷", ["8"] = "⁸", ["9"] = "⁹", ["-"] = "⁻"}

-- "10³" for an exponent
function text.power(exponent, mantissa)
  local ten = "10" .. tostring(exponent):gsub(".", raised)
  if not mantissa then return ten end
  return mantissa .. "×" .. ten
end

return text
