-- generate.lua: everything that is written from the one table behind ?name (lua/nn/help):
--
--   nnlua doc/generate.lua reference [FILE]   the reference manual, Markdown (doc/reference.md)
--   nnlua doc/generate.lua share FOLDER       what `make install` installs: the man page,
--                                             completions of shells, annotations for editors
--   nnlua doc/generate.lua check              fails where a public name has no text, or one without
--                                             an example
--   nnlua doc/generate.lua examples           runs every example, each with globals of its own
local gather = require "nn.help.gather"
local help = require "nn.help"
local public = dofile((arg[0]:match "^(.*/)" or "") .. "generate/public.lua")
local writers = dofile((arg[0]:match "^(.*/)" or "") .. "generate/writers.lua")

local function write(path, text)
  local f = assert(io.open(path, "w"))
  assert(f:write(text))
  assert(f:close())
end

local jobs = {}

function jobs.reference(path)
  write(path or "doc/reference.md", writers.reference(gather, help))
end

function jobs.share(folder)
  local about = writers.about()
  for name, writer in pairs {
    ["nnlua.1"] = writers.man, ["nnlua.bash"] = writers.bash, ["_nnlua"] = writers.zsh,
    ["nnlua.fish"] = writers.fish, ["nn.meta.lua"] = writers.meta,
    ["nn.luacheck.lua"] = writers.luacheck, ["nnlua.pc"] = writers.pkgconfig,
    [("nnlua-%s-1.rockspec"):format(about.version)] = writers.rockspec,
  } do
    write(folder .. "/" .. name, writer(about, gather, public))
  end
end

function jobs.check()
  local missing = public.missing(gather)
  for _, name in ipairs(missing) do io.stderr:write("no text: ", name, "\n") end
  local bare = 0
  for _, name in ipairs(gather.names()) do
    local entry = gather.entries()[name]
    if not entry.example then
      io.stderr:write("no example: ", name, "\n")
      bare = bare + 1
    end
  end
  if #missing + bare > 0 then os.exit(1) end
end

local function run(entry)
  local f, problem = load(entry.example, "=" .. entry.name, "t", setmetatable({}, {__index = _G}))
  if not f then return false, problem end
  nn.seed(0)
  return pcall(f)
end

function jobs.examples()
  local failed = 0
  for _, name in ipairs(gather.names()) do
    local entry = gather.entries()[name]
    local ok, problem = true, nil
    if entry.example then ok, problem = run(entry) end
    if not ok then
      io.stderr:write(tostring(problem), "\n")
      failed = failed + 1
    end
  end
  if failed > 0 then os.exit(1) end
end

local job = jobs[arg[1] or ""]
if not job then
  io.stderr:write("usage: nnlua doc/generate.lua ",
    "reference [FILE] | share FOLDER | check | examples\n")
  os.exit(1)
end
job(arg[2])
