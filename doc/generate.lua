-- generate.lua: everything that is written from the one table behind ?name (lua/nn/help):
--
--   nnlua doc/generate.lua reference [FILE]   the reference manual, Markdown (doc/reference.md)
--   nnlua doc/generate.lua share FOLDER       what `make install` installs: the man page,
--                                             completions of shells, annotations for editors
--   nnlua doc/generate.lua check              fails where a public name has no text
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
  if #missing > 0 then os.exit(1) end
end

local job = jobs[arg[1] or ""]
if not job then
  io.stderr:write("usage: nnlua doc/generate.lua reference [FILE] | share FOLDER | check\n")
  os.exit(1)
end
job(arg[2])
