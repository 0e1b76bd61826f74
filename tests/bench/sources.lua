-- bench/sources.lua: how fast data comes in: a table of 100 MB with 60 columns of floats beside
-- numpy.loadtxt and pandas, MNIST's training images beside bare zlib inflation. Best of three each.
--
--   env -u OPENBLAS_CORETYPE build/nnlua tests/bench/sources.lua [python3] [folder of MNIST]

local nn = require "nn"
local core = require "nn.core"
local python, mnist = arg[1] or "/usr/bin/python3", arg[2] or "../shared/data/mnist"

local function ask(...)
  local f <close> = assert(io.popen(("'%s' tests/bench/sources.py %s 2>/dev/null"):format(python,
    table.concat({...}, " "))))
  return tonumber(f:read "a")
end

-- At least (or most) that much, in the same run.
local function verdict(what, bar, ratio, reached)
  print(("  bar: %s %g times: %.2f, %s"):format(what, bar, ratio,
    reached and "reached" or "MISSED"))
end

local function best(f)
  local least = math.huge
  for _ = 1, 3 do
    local start = nn.time()
    f()
    least = math.min(least, nn.time() - start)
  end
  return least
end

-- 100 MB: a line of names, then the same thousand rows again and again.
local function write_table(path, form)
  local f <close>, names, rows = assert(io.open(path, "w")), {}, nn.randn(1000, 60):totable()
  for c = 1, 60 do names[c] = "c" .. c end
  for r, row in ipairs(rows) do
    for c, v in ipairs(row) do row[c] = form:format(v) end
    rows[r] = table.concat(row, ",")
  end
  local text = table.concat(rows, "\n") .. "\n"
  assert(f:write(table.concat(names, ","), "\n"))
  for _ = 1, 100000000 // #text + 1 do assert(f:write(text)) end
  return f:seek "end" / 1e6
end

local function table_of(form)
  local path = os.tmpname()
  local megabytes = write_table(path, form)
  local ours = best(function() nn.data.csv(path, {target = false}).x:release() end)
  print(("%s, %.0f MB: nnlua %.0f MB/s on %d threads"):format(form, megabytes, megabytes / ours,
    nn.threads()))
  for _, name in ipairs {"numpy", "pandas"} do
    local theirs = ask(name, path)
    if theirs then
      print(("  %-6s %.0f MB/s, nnlua %.1f times as fast"):format(name, megabytes / theirs,
        theirs / ours))
      verdict("as fast as " .. name, 3, theirs / ours, theirs / ours >= 3)
    else
      print(("  bar: %s is not there; skipped"):format(name))
    end
  end
  os.remove(path)
end

table_of "%.6f"
table_of "%.17g"

local images = mnist .. "/train-images-idx3-ubyte.gz"
local f = io.open(images, "rb")
if f then
  f:close()
  local ours = best(function() core.source.idx(images, "float32"):release() end)
  local bare = ask("zlib", images)
  print(("MNIST's training images: %.3f s"):format(ours))
  if bare then
    print(("  bare inflation %.3f s"):format(bare))
    verdict("bare inflation's time, at most", 1.3, ours / bare, ours / bare <= 1.3)
  else
    print("  bar: no " .. python .. "; skipped")
  end
else
  print("MNIST: no " .. images .. "; skipped")
end
