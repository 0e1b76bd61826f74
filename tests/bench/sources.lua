-- bench/sources.lua: how fast data comes in: a table of 100 MB with 60 columns of floats beside
-- numpy.loadtxt and pandas, MNIST's training images beside bare zlib inflation. Best of three each.
--
--   env -u OPENBLAS_CORETYPE build/nnlua tests/bench/sources.lua [python3] [folder of MNIST]

local nn = require "nn"
local core = require "nn.core"
local python, mnist = arg[1] or "python3", arg[2] or "../shared/data/mnist"

local function ask(...)
  local f <close> = assert(io.popen(("'%s' tests/bench/sources.py %s"):format(python,
    table.concat({...}, " "))))
  return tonumber(f:read "a")
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

local function table_of(form)
  local path = os.tmpname()
  ask("make", path, "'" .. form .. "'")
  local f <close> = assert(io.open(path))
  local megabytes = f:seek "end" / 1e6
  local ours = best(function() nn.data.csv(path, {target = false}).x:release() end)
  print(("%s, %.0f MB: nnlua %.0f MB/s on %d threads"):format(form, megabytes, megabytes / ours,
    nn.threads()))
  for _, name in ipairs {"numpy", "pandas"} do
    local theirs = ask(name, path)
    if theirs then
      print(("  %-6s %.0f MB/s, nnlua %.1f times as fast"):format(name, megabytes / theirs,
        theirs / ours))
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
  print(("MNIST's training images: %.3f s, bare inflation %.3f s: %.2f times that"):format(ours,
    bare, ours / bare))
end
