-- bench/run.lua: how fast a training step is in nnlua, beside PyTorch and bare matrix products.
--
-- Each contestant is a process that answers requests, one a line: steps.lua (twice: nn.fit and the
-- plain loop), torch_steps.py, fann.c where FANN is installed, and bound.c. They take turns, a
-- short stretch each, round after round, so that whatever else the machine does hits all of them
-- alike. What is shown is the median of the rounds; a ratio is the median of the ratios within a
-- round; the spread is how far apart the middle half of the rounds lies, for the contestant where
-- it is widest. Every figure goes to build/bench/results.jsonl.

local nn = require "nn"

local WORKS = dofile("tests/bench/works.lua")

local help = [[
usage: make bench BENCH="[options] [work...]"
  --quick         short stretches, few rounds (make bench-quick)
  --rounds N      rounds (7; quick: 3)
  --seconds S     length of a stretch (0.5; quick: 0.05)
  --threads LIST  such as 1 or 1,2 (1, and 2 where there are two cores)
  --coretype X    OpenBLAS's kernels for processor X, such as Haswell, for all contestants
                  (make bench CORETYPE=X)
  --only LIST     of fit, loop, torch, fann, bound
works (default: all): memory startup, and
]]
do
  local names, seen = {}, {}
  for _, work in ipairs(WORKS) do
    if not seen[work.name] then names[#names + 1] = work.name end
    seen[work.name] = true
  end
  help = help .. "  " .. table.concat(names, " "):gsub("(.{1,90}) ", "%1\n  ") .. "\n"
end

local NAMES = {fit = "nn.fit", loop = "Lua loop", torch = "PyTorch", fann = "FANN",
  bound = "bound"}
local ORDER = {"fit", "loop", "torch", "fann", "bound"}
local NOISY = 0.25 -- a wider spread says more about the machine than about the contestants
local MEMORY_BAR, STARTUP_BAR = 8, 100 -- PyTorch's peak and start over ours

local failures = 0

-- ---- small tools ----

local function capture(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local text = pipe:read("a")
  pipe:close()
  return (text:gsub("%s+$", ""))
end

local function read_file(path)
  local file = io.open(path)
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text or ""
end

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local n = #sorted
  return n % 2 == 1 and sorted[n // 2 + 1] or (sorted[n // 2] + sorted[n // 2 + 1]) / 2
end

-- How far apart the middle half of the figures lies, as a part of their median.
local function spread(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local quarter = (#sorted - 1) // 4
  return (sorted[#sorted - quarter] - sorted[1 + quarter]) / median(list)
end

-- 1234567 -> "1.23M"
local function short(v)
  if not v then return "-" end
  local unit = ""
  if v >= 1e6 then v, unit = v / 1e6, "M" elseif v >= 1e3 then v, unit = v / 1e3, "k" end
  return (v >= 99.95 and "%.0f%s" or v >= 9.995 and "%.1f%s" or "%.2f%s"):format(v, unit)
end

local function json(v)
  if type(v) == "number" then return ("%.6g"):format(v) end
  if type(v) ~= "table" then return ("%q"):format(tostring(v)):gsub("\\\n", "\\n") end
  local parts = {}
  if #v > 0 then
    for i, item in ipairs(v) do parts[i] = json(item) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  for key, item in pairs(v) do parts[#parts + 1] = ("%q: %s"):format(key, json(item)) end
  table.sort(parts)
  return "{" .. table.concat(parts, ", ") .. "}"
end

local log, page -- every figure; the table as doc/performance.md has it
local function record(fields)
  assert(log:write(json(fields), "\n"))
  log:flush()
end

-- ---- options ----

local function list_of(text)
  local list = {}
  for word in text:gmatch("[^,]+") do list[#list + 1] = word end
  return list
end

local function fail_usage(text)
  io.stderr:write("bench: ", text, "\n", help)
  os.exit(2)
end

local function check_options(opt, given)
  opt.rounds = math.tointeger(tonumber(given.rounds or opt.rounds))
  opt.seconds = tonumber(given.seconds or opt.seconds)
  opt.threads = list_of(given.threads or opt.threads)
  if not opt.rounds or opt.rounds < 1 then fail_usage("--rounds wants a count") end
  if not opt.seconds or opt.seconds <= 0 then fail_usage("--seconds wants a time") end
  for i, text in ipairs(opt.threads) do
    opt.threads[i] = math.tointeger(tonumber(text)) or fail_usage("--threads wants counts")
  end
  for _, who in ipairs(list_of(given.only or table.concat(ORDER, ","))) do
    if not NAMES[who] then fail_usage("--only: no " .. who .. " here") end
    opt.who[who] = true
  end
  local options = {rounds = true, seconds = true, threads = true, coretype = true, only = true}
  for name in pairs(given) do
    if not options[name] then fail_usage("no such option: --" .. name) end
  end
  local known = {memory = true, startup = true}
  for _, work in ipairs(WORKS) do known[work.name] = true end
  for name in pairs(opt.works) do
    if not known[name] then fail_usage("no such work: " .. name) end
  end
  return opt
end

local function parse(args)
  local cores = tonumber(capture("getconf _NPROCESSORS_ONLN")) or 1
  local opt = {rounds = 7, seconds = 0.5, works = {}, who = {}}
  opt.threads = cores >= 2 and "1,2" or "1"
  local given, i = {}, 1
  while i <= #args do
    local word = args[i]
    if word == "--quick" then
      opt.rounds, opt.seconds, opt.quick = 3, 0.05, true
    elseif word == "--help" then
      io.write(help)
      os.exit(0)
    elseif word:match("^%-%-(%a+)$") then
      given[word:sub(3)] = args[i + 1] or fail_usage(word .. " wants a value")
      i = i + 1
    else
      opt.works[word] = true
    end
    i = i + 1
  end
  return check_options(opt, given)
end

local function wanted(opt, name)
  return not next(opt.works) or opt.works[name]
end

-- ---- contestants ----

local function find_python()
  for _, python in ipairs{"/usr/bin/python3", "python3"} do
    if os.execute(python .. " -c 'import torch' >/dev/null 2>&1") then
      return capture("command -v " .. python)
    end
  end
end

-- PyTorch gets the OpenBLAS that nnlua and `bound` run on, AVX-512 where it is (its default is
-- AVX2) unless another processor's kernels are asked of all, and an allocator that keeps its
-- memory: 1.13 is up to a quarter slower without.
local function torch_settings(python, quick)
  local blas = capture("ldd build/release/bench/bound"):match("=> (%S+)/libopenblas[^/]*")
  local set = {}
  if blas then set[#set + 1] = "LD_LIBRARY_PATH=" .. blas end
  local core = os.getenv "OPENBLAS_CORETYPE"
  if core == "Haswell" or core == "Zen" then -- its convolutions are oneDNN's
    set[#set + 1] = "ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2"
  elseif read_file("/proc/cpuinfo"):find("avx512f", 1, true) then
    set[#set + 1] = "ATEN_CPU_CAPABILITY=avx512"
  end
  local memory = "MALLOC_TRIM_THRESHOLD_=1000000000 MALLOC_MMAP_THRESHOLD_=1000000000"
  local command = table.concat(set, " ") .. " " .. python .. " tests/bench/torch_steps.py %d"
  if quick then command = command .. " quick" end
  return {plain = command .. " plain", fast = memory .. " " .. command}
end

local function commands(opt)
  local python = opt.who.torch and find_python()
  local torch = python and torch_settings(python, opt.quick)
  return {
    fit = opt.who.fit and "build/nnlua --threads %d tests/bench/steps.lua fit",
    loop = opt.who.loop and "build/nnlua --threads %d tests/bench/steps.lua loop",
    torch = torch and torch.fast,
    fann = opt.who.fann and io.open("build/release/bench/fann") and "build/release/bench/fann",
    bound = opt.who.bound and "build/release/bench/bound %d",
    plain_torch = torch and torch.plain,
    python = python,
  }
end

-- Two pipes: ours to its standard input, a named one back.
local function start(command, threads)
  local fifo = os.tmpname()
  os.remove(fifo)
  assert(os.execute("mkfifo " .. fifo))
  local line = ("OMP_NUM_THREADS=%d %s >%s"):format(threads, command:format(threads), fifo)
  local to = assert(io.popen("env " .. line, "w"))
  local from = assert(io.open(fifo))
  os.remove(fifo)
  to:setvbuf("line")
  return {to = to, from = from}
end

local function stop(contestant)
  contestant.to:close()
  contestant.from:close()
end

-- The figure and its label, or nothing when there is none to be had.
local function ask(who, contestant, request)
  contestant.to:write(request, "\n")
  local answer = contestant.from:read() or "error it died"
  local figure, label = answer:match("^ok (%S+) ?(.*)$")
  if figure then return tonumber(figure), label end
  if answer:match("^error") then
    failures = failures + 1
    print(("%s: %s: %s"):format(NAMES[who] or who, request, answer))
  end
end

-- ---- bars ----

local bars = {} -- {what, got, bar, reached}

local function judge(what, got, bar)
  if not bar then return "" end
  local reached = got ~= nil and got >= bar
  bars[#bars + 1] = {what = what, got = got, bar = bar, reached = reached}
  return reached and " reached" or " MISSED"
end

-- "12.3x (10)": what was got and, where there is one, the bar.
local function cell(got, bar, format)
  if not got and not bar then return "-" end
  local text = got and format:format(got) or "-"
  return bar and ("%s (%g)"):format(text, bar) or text
end

-- ---- training steps ----

local function print_head(threads)
  print(("\n%d thread%s"):format(threads, threads == 1 and "" or "s"))
  local head = ("%-13s %8s"):format("work", "size")
  for _, who in ipairs(ORDER) do head = head .. (" %8s"):format(NAMES[who]) end
  print(head .. ("  %-15s %-15s %-9s %-12s spread"):format("fit/PyTorch", "loop/PyTorch",
    "fit/FANN", "of the bound"))
  page:write(("\n%d thread%s\n\n| work | size | nn.fit | Lua loop | PyTorch | FANN | bound | "
    .. "fit over PyTorch | loop over PyTorch | fit over FANN | of the bound |\n%s|\n"):format(
    threads, threads == 1 and "" or "s", ("| --- "):rep(11)))
end

local function ratio(of, to)
  local list = {}
  for i = 1, math.min(#of, #to) do list[i] = of[i] / to[i] end
  return #list > 0 and median(list) or nil
end

local function print_row(work, threads, figures)
  local row, widest = ("%-13s %8d"):format(work.name, work.batch), 0
  for _, who in ipairs(ORDER) do
    local list = figures[who]
    row = row .. (" %8s"):format(#list > 0 and short(median(list)) or "-")
    if #list > 0 then widest = math.max(widest, spread(list)) end
  end
  local what = ("%s %d, %d thread%s"):format(work.name, work.batch, threads,
    threads == 1 and "" or "s")
  local verdict = ""
  local function compared(who, to, bar, format, name)
    local got = ratio(figures[who], figures[to])
    verdict = verdict .. judge(("%s: %s"):format(what, name), got, bar)
    return cell(got, bar, format)
  end
  local fit = compared("fit", "torch", work.torch.fit, "%.1fx", "nn.fit over PyTorch")
  local loop = compared("loop", "torch", work.torch.loop, "%.1fx", "Lua over PyTorch")
  local fann = compared("fit", "fann", nil, "%.1fx", "nn.fit over FANN")
  local by = work.bound.loop and "loop" or #figures.fit > 0 and "fit" or "loop"
  local bound = compared(by, "bound", work.bound[by], "%.2f", "of the bound")
  local format = "  %-15s %-15s %-9s %-12s %3.0f%%%s%s"
  print(row .. format:format(fit, loop, fann, bound, 100 * widest,
    widest > NOISY and " noisy" or "", verdict))
  local cells = {work.name, tostring(work.batch)}
  for _, who in ipairs(ORDER) do
    cells[#cells + 1] = #figures[who] > 0 and short(median(figures[who])) or ""
  end
  for _, text in ipairs{fit, loop, fann, bound} do
    cells[#cells + 1] = text == "-" and "" or text
  end
  page:write("| ", table.concat(cells, " | "), " |\n")
end

-- One row of the table.
local function compare(opt, contestants, work, threads)
  local figures, labels, out = {}, {}, {}
  local per_step = work.unit == "samples/s" and work.batch or 1
  for _, who in ipairs(ORDER) do figures[who] = {} end
  for round = 0, opt.rounds do -- round 0 warms up
    for _, who in ipairs(ORDER) do
      local variant = (who == "fit" or who == "loop") and work.name or work.asks or work.name
      local seconds = round == 0 and opt.seconds / 4 or opt.seconds
      if contestants[who] and not out[who] then
        local request = ("run %s %d %g"):format(variant, work.batch, seconds)
        local rate, label = ask(who, contestants[who], request)
        out[who], labels[who] = not rate, label
        if rate and round > 0 then figures[who][round] = rate * per_step end
      end
    end
  end
  print_row(work, threads, figures)
  for _, who in ipairs(ORDER) do
    if #figures[who] > 0 then
      record{work = work.name, batch = work.batch, threads = threads, who = who,
        label = labels[who], unit = work.unit, value = median(figures[who]), rounds = figures[who]}
    end
  end
end

local function steps(opt, command)
  for _, threads in ipairs(opt.threads) do
    local contestants = {}
    for _, who in ipairs(ORDER) do
      if command[who] then contestants[who] = start(command[who], threads) end
    end
    print_head(threads)
    for _, work in ipairs(WORKS) do
      if wanted(opt, work.name) then compare(opt, contestants, work, threads) end
    end
    for _, contestant in pairs(contestants) do stop(contestant) end
  end
end

-- ---- memory and start-up ----

local function memory(opt, command)
  local mib = {}
  for _, who in ipairs{"fit", "loop", "torch"} do
    local line = who == "torch" and command.plain_torch or command[who]
    if line then
      local contestant = start(line, 1)
      if ask(who, contestant, ("run mlp 128 %g"):format(math.max(opt.seconds, 0.5))) then
        mib[who] = ask(who, contestant, "peak")
      end
      stop(contestant)
      if mib[who] then record{work = "memory", who = who, unit = "MiB", value = mib[who]} end
    end
  end
  local row = "\npeak memory of the mlp run, batch 128, 1 thread:"
  for _, who in ipairs{"fit", "loop", "torch"} do
    if mib[who] then row = row .. ("  %s %.0f MiB"):format(NAMES[who], mib[who]) end
  end
  local ours = mib.fit or mib.loop
  local part = ours and mib.torch and mib.torch / ours
  print(row .. (part and ("  1/%.1f of PyTorch's (1/%d)"):format(part, MEMORY_BAR) or "")
    .. judge("peak memory", part, MEMORY_BAR))
end

local function startup(opt, command)
  local lua = capture("command -v lua5.4")
  local programs = {
    {name = "nnlua", run = "build/release/nnlua -e", times = 11},
    {name = "lua5.4", run = lua ~= "" and lua .. " -e", times = 11},
    {name = "PyTorch", run = command.python and command.python .. " -c import torch", times = 1},
  }
  local spawner = start("build/release/bench/bound %d", 1)
  local took = {}
  for _ = 1, opt.rounds do
    for _, program in ipairs(programs) do
      local list = took[program.name] or {}
      took[program.name] = list
      if program.run and (program.times > 1 or #list < 3) then
        list[#list + 1] = ask("spawn", spawner, ("spawn %d %s"):format(program.times, program.run))
      end
    end
  end
  stop(spawner)
  local row = "start-up:"
  for _, program in ipairs(programs) do
    local list = took[program.name]
    if #list > 0 then
      row = row .. ("  %s %.2f ms"):format(program.name, 1000 * median(list))
      record{work = "startup", who = program.name, unit = "s", value = median(list), rounds = list}
    end
  end
  local part = #took.PyTorch > 0 and median(took.PyTorch) / median(took.nnlua) or nil
  print(row .. (part and ("  1/%.0f of PyTorch's (1/%d)"):format(part, STARTUP_BAR) or "")
    .. judge("start-up", part, STARTUP_BAR))
end

-- ---- the whole ----

-- The cores that others keep busy at this moment.
local function others_load()
  local function used()
    local user, nice, system = read_file("/proc/stat"):match("^cpu%s+(%d+) (%d+) (%d+)")
    return user and user + nice + system
  end
  local before, began = used(), nn.time()
  os.execute("sleep 0.5")
  local after = used()
  return before and (after - before) / 100 / (nn.time() - began) or 0 -- in ticks of 10 ms
end

local function machine(opt)
  local cpu = read_file("/proc/cpuinfo"):match("model name%s*:%s*([^\n]*)") or capture("uname -m")
  local version = nn.version()
  return {cpu = cpu, cores = tonumber(capture("getconf _NPROCESSORS_ONLN")) or 1,
    blas = tostring(version.blas), coretype = os.getenv("OPENBLAS_CORETYPE") or "as found",
    busy = others_load(), date = os.date("!%Y-%m-%d %H:%M"), rounds = opt.rounds,
    seconds = opt.seconds}
end

local function print_verdicts()
  local missed = {}
  for _, bar in ipairs(bars) do
    if not bar.reached then missed[#missed + 1] = bar end
  end
  print(("\n%d of %d bars reached"):format(#bars - #missed, #bars))
  for _, bar in ipairs(missed) do
    print(("  missed  %-52s %s of %g"):format(bar.what,
      bar.got and ("%.2f"):format(bar.got) or "not measured", bar.bar))
  end
  return #missed == 0
end

local function main()
  local opt = parse(arg) -- --coretype is in the environment: `run` has seen to it
  log = assert(io.open("build/bench/results.jsonl", "w"))
  page = assert(io.open("build/bench/table.md", "w"))
  io.stdout:setvbuf("line")
  local here = machine(opt)
  record(here)
  print(("%s, %d cores; %s"):format(here.cpu, here.cores, here.blas))
  if here.busy > 0.2 then
    local text = "others keep %.1f cores busy: do not trust this, least of all at 2 threads"
    print(text:format(here.busy))
  end
  local command = commands(opt)
  if opt.who.torch and not command.torch then
    print("PyTorch: left out, no python3 here can import torch")
  end
  local any = not next(opt.works)
  for _, work in ipairs(WORKS) do any = any or opt.works[work.name] end
  if any then steps(opt, command) end
  if wanted(opt, "memory") then memory(opt, command) end
  if wanted(opt, "startup") then startup(opt, command) end
  local all = print_verdicts()
  print("\nnets in samples a second, the others in steps a second; bars in brackets; medians of " ..
    opt.rounds .. " rounds;\nevery figure: build/bench/results.jsonl; "
    .. "as a page: build/bench/table.md")
  log:close()
  page:close()
  os.exit(all and failures == 0)
end

main()
