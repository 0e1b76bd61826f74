-- events.lua: the event files that TensorBoard reads.
--
-- A file is a row of records (TFRecord): the length of the data, 8 bytes little-endian; a checksum
-- of these 8 bytes, 4 bytes; the data; a checksum of the data, 4 bytes. The checksum is CRC-32C
-- (Castagnoli), masked: rotated right by 15 bits, plus 0xa282ead8. The data is an Event as protocol
-- buffers write it: wall_time = 1 (double), step = 2 (int64), file_version = 3 (string), summary =
-- 5, session_log = 7. A Summary is a list of Value = 1: tag = 1, simple_value = 2 (float), histo =
-- 5. Sources: tensorflow/core/lib/io/record_writer.h, core/util/event.proto and
-- core/framework/summary.proto.
local events = {}

-- ---- checksums --------------------------------------------------------------------------------

local table_of_crc = {}
for byte = 0, 255 do
  local crc = byte
  for _ = 1, 8 do
    crc = crc & 1 == 1 and crc >> 1 ~ 0x82f63b78 or crc >> 1
  end
  table_of_crc[byte] = crc
end

function events.crc32c(text)
  local crc = 0xffffffff
  for i = 1, #text do crc = crc >> 8 ~ table_of_crc[(crc ~ text:byte(i)) & 0xff] end
  return crc ~ 0xffffffff
end

local function masked(text)
  local crc = events.crc32c(text)
  return string.pack("<I4", ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff)
end

local function record(data)
  local length = string.pack("<I8", #data)
  return length .. masked(length) .. data .. masked(data)
end

-- ---- protocol buffers -------------------------------------------------------------------------

-- Seven bits a byte, lowest first; the highest bit says that more follow.
local function varint(n)
  local bytes = {}
  while n < 0 or n > 127 do
    bytes[#bytes + 1] = string.char(n & 127 | 128)
    n = n >> 7
  end
  bytes[#bytes + 1] = string.char(n)
  return table.concat(bytes)
end

local function whole(field, n) return varint(field << 3) .. varint(n) end
local function double(field, v) return varint(field << 3 | 1) .. string.pack("<d", v) end
local function float(field, v) return varint(field << 3 | 5) .. string.pack("<f", v) end
local function bytes(field, text) return varint(field << 3 | 2) .. varint(#text) .. text end

local function doubles(field, list)
  local packed = {}
  for i, v in ipairs(list) do packed[i] = string.pack("<d", v) end
  return bytes(field, table.concat(packed))
end

-- ---- events -----------------------------------------------------------------------------------

local function event(time, step, content)
  return record(double(1, time) .. (step and whole(2, step) or "") .. content)
end

-- How a file begins.
function events.version(time)
  return event(time, nil, bytes(3, "brain.Event:2"))
end

-- What readers have of this step and later ones is void: the run goes on from here.
function events.start(time, step)
  return event(time, step, bytes(7, whole(1, 1)))
end

-- One of the values of a step. A float32 may lose what a number has.
function events.scalar(tag, v)
  return bytes(1, bytes(1, tag) .. float(2, v))
end

-- h: {min, max, num, sum, sum_squares, limits = right ends of the bins, counts}
function events.histogram(tag, h)
  return bytes(1, bytes(1, tag) .. bytes(5, double(1, h.min) .. double(2, h.max)
    .. double(3, h.num) .. double(4, h.sum) .. double(5, h.sum_squares) .. doubles(6, h.limits)
    .. doubles(7, h.counts)))
end

-- The values of a step, joined.
function events.summary(time, step, values)
  return event(time, step, bytes(5, table.concat(values)))
end

return events
