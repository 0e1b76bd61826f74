-- files.lua: how fast files are written (synced, so that a power cut loses nothing) and read,
-- beside NumPy where /usr/bin/python3 has it, in turns so that both meet the same disk.
--
--   build/nnlua tests/bench/files.lua [MB, 400] [folder, /tmp]
local megabytes, folder = tonumber(arg[1]) or 400, arg[2] or "/tmp"
local ROUNDS = 5

local python = "/usr/bin/python3"
local has_numpy = os.execute(python .. " -c 'import numpy' 2>/dev/null")

local function seconds(f)
  collectgarbage()
  local start = nn.time()
  local result = f()
  return nn.time() - start, result
end

local best = {}
local function note(name, time)
  best[name] = math.min(best[name] or math.huge, time)
end

local theirs = folder .. "/bench_numpy.npy"
local program = ([[
import numpy as np, os, time
x = np.random.rand(%d).astype(np.float32)
start = time.perf_counter()
with open("%s", "wb") as f:
    np.save(f, x)
    f.flush()
    os.fsync(f.fileno())
print(time.perf_counter() - start)
start = time.perf_counter()
np.load("%s")
print(time.perf_counter() - start)
]]):format(megabytes * 250000, theirs, theirs)

local function numpy_round()
  local p = assert(io.popen(python .. " -c '" .. program .. "'"))
  note("numpy write", p:read "n")
  note("numpy read", p:read "n")
  p:close()
end

local x = nn.rand(megabytes * 250000)
local model = nn.Linear(megabytes * 125, 2000)
for _ = 1, ROUNDS do
  for _, name in ipairs {"npy", "safetensors", "nn"} do
    local path = folder .. "/bench_nnlua." .. name
    note(name .. " write", (seconds(function()
      nn.save(path, name == "safetensors" and {x = x} or name == "nn" and model or x)
    end)))
    local time, back = seconds(function() return nn.load(path) end)
    note(name .. " read", time)
    if name == "npy" then back:release() end
    os.remove(path)
  end
  if has_numpy then numpy_round() end
end
os.remove(theirs)

-- npy at 0.9 of NumPy's speed, in the same run.
local BAR = 0.9
local function verdict(what)
  local ratio = best["numpy " .. what] / best["npy " .. what]
  print(("bar: npy %s at %.1f of numpy's speed: %.2f, %s"):format(what, BAR, ratio,
    ratio >= BAR and "reached" or "MISSED"))
end

print(("%d MB, best of %d:          GB/s"):format(megabytes, ROUNDS))
for _, name in ipairs {"numpy write", "npy write", "safetensors write", "nn write", "numpy read",
  "npy read", "safetensors read", "nn read"} do
  if best[name] then
    local reference = best["numpy " .. name:match "%a+$"]
    print(("  %-18s %8.3f s %7.2f %s"):format(name, best[name], megabytes / 1000 / best[name],
      reference and ("%5.2f of numpy's speed"):format(reference / best[name]) or ""))
  end
end
if has_numpy then
  verdict "read"
  verdict "write"
else
  print("bars: " .. python .. " has no numpy; skipped")
end
