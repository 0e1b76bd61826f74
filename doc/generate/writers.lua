-- writers.lua: the forms in which the help is written: a man page, completions, annotations,
-- Markdown.
local util = require "nn.util"

local M = {}

-- ---- the interpreter --------------------------------------------------------------------------

-- {program, version, options = {{name, argument, text}, ...}} as --help shows them.
function M.about()
  local program = arg[-1]
  for i = 0, -20, -1 do
    if arg[i] == nil then break end
    program = arg[i]
  end
  local f = assert(io.popen(("'%s' --help"):format(program)))
  local text = f:read "a"
  f:close()
  local options = {}
  for head, words in text:gmatch "\n  (%-...........)([^\n]+)" do
    local name, argument = head:match "^(%S+)%s*(%S*)"
    options[#options + 1] = {name = name, argument = argument, text = words}
  end
  assert(#options > 12, "nnlua --help has changed its form")
  return {program = program, version = require "nn".version().nnlua, options = options}
end

local function roff(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("\n%.", "\n\\&."))
end

local function man_options(about)
  local lines = {}
  for _, o in ipairs(about.options) do
    lines[#lines + 1] = (".TP\n.B %s%s\n%s"):format(roff(o.name),
      o.argument ~= "" and ("\n.I " .. roff(o.argument)):gsub("\n.I ", " \\fI") .. "\\fR" or "",
      roff(o.text))
  end
  return table.concat(lines, "\n")
end

local function man_commands()
  local commands, lines = require "nn.prompt".commands, {}
  for _, name in ipairs(util.sorted_keys(commands)) do
    lines[#lines + 1] = (".TP\n.B :%s %s\n%s"):format(name, commands[name][1],
      roff(commands[name][2]))
  end
  return table.concat(lines, "\n")
end

local man_page = [==[
.\" Made by doc/generate.lua.
.TH NNLUA 1 "" "nnlua VERSION" "User commands"
.SH NAME
nnlua \- Lua 5.4 with tensors, gradients and neural networks
.SH SYNOPSIS
.B nnlua
.RI [ options ]
.RI [ script " [" args ]]
.SH DESCRIPTION
.B nnlua
runs Lua 5.4 scripts as
.BR lua (1)
does, with the module
.I nn
preset: tensors, automatic gradients, layers, losses, optimizers, data, training and pictures.
Without a script it reads from standard input; on a terminal that is a prompt with line editing,
completion and help.
.SH OPTIONS
OPTIONS
.SH THE PROMPT
An expression prints its value, which stays in
.BR _ ;
a final
.B ;
keeps silent. Tab completes names, options and files. Ctrl\-C stops what runs, Ctrl\-D leaves.
.TP
.BI ? name
what a name means; also
.BI help( x )
COMMANDS
.SH EXIT STATUS
0; 1 after an error, output that could not be written included; 130 after Ctrl\-C, 143 after
SIGTERM; what a script gives to os.exit.
.SH ENVIRONMENT
.TP
.B LUA_INIT, LUA_PATH, LUA_CPATH
as for
.BR lua (1),
with _5_4 variants
.TP
.B NO_COLOR
when not empty, plain text only
.TP
.B NNLUA_HISTORY
the file of the prompt's history; empty: none
.SH FILES
.TP
.I $XDG_STATE_HOME/nnlua/history
the prompt's history (by default in ~/.local/state)
.TP
.I ~/.editrc
settings of line editing, see
.BR editrc (5)
.SH EXAMPLES
.TP
.B nnlua \-\-seed 7 experiment.lua \-\-lr 0.01
runs a script with one option of nnlua and one of its own
.TP
.B nnlua \-i model.lua
runs a script, then the prompt
.SH SEE ALSO
.BR lua (1)
]==]

function M.man(about)
  local parts = {VERSION = about.version, OPTIONS = man_options(about), COMMANDS = man_commands()}
  return (man_page:gsub("%f[%w]VERSION%f[%W]", parts.VERSION)
    :gsub("\nOPTIONS\n", function() return "\n" .. parts.OPTIONS .. "\n" end)
    :gsub("\nCOMMANDS\n", function() return "\n" .. parts.COMMANDS .. "\n" end))
end

local function names_of(about)
  local list = {}
  for _, o in ipairs(about.options) do
    if o.name ~= "-" then list[#list + 1] = o.name end
  end
  return list
end

function M.bash(about)
  return ([[
# bash completion of nnlua; made by doc/generate.lua
_nnlua() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  case $before in
    --seed | --threads | --memory | -e | -l) return ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W '%s' -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -X '!*.lua' -- "$word") $(compgen -d -S / -- "$word")) ;;
  esac
}
complete -o nospace -F _nnlua nnlua
]]):format(table.concat(names_of(about), " "))
end

function M.zsh(about)
  local lines, seen = {"#compdef nnlua", "# made by doc/generate.lua", "_arguments \\"}, {}
  for _, o in ipairs(about.options) do
    if o.name ~= "-" and o.name ~= "--" and not seen[o.name] then
      seen[o.name] = true
      local text = o.text:gsub("'", ""):gsub("[%[%]:]", " ")
      lines[#lines + 1] = ("  '%s[%s]%s' \\"):format(o.name, text,
        o.argument ~= "" and ":" .. o.argument:lower() .. ":" or "")
    end
  end
  lines[#lines + 1] = "  '1:script:_files -g \"*.lua\"' '*:argument:_files'"
  return table.concat(lines, "\n") .. "\n"
end

function M.fish(about)
  local lines = {"# made by doc/generate.lua"}
  for _, o in ipairs(about.options) do
    local long, short = o.name:match "^%-%-(%a.*)$", o.name:match "^%-(%a)$"
    if long or short then
      lines[#lines + 1] = ("complete -c nnlua -%s %s%s -d '%s'"):format(long and "l" or "s",
        long or short, o.argument ~= "" and " -x" or "", o.text:gsub("'", ""))
    end
  end
  lines[#lines + 1] = "complete -c nnlua -k -x -a '(__fish_complete_suffix .lua)'"
  return table.concat(lines, "\n") .. "\n"
end

-- For C modules that are loaded into nnlua, and for LuaRocks.
function M.pkgconfig(about)
  return ([[
prefix=/usr/local
exec_prefix=${prefix}

Name: nnlua
Description: Lua 5.4 with tensors, gradients and neural networks
Version: %s
Requires: lua5.4
]]):format(about.version)
end

function M.rockspec(about)
  return ([[
rockspec_format = "3.0"
package = "nnlua"
version = "%s-1"
source = {url = "git+file://."} -- for `luarocks make` in a clone
description = {
  summary = "Tensors, gradients and neural networks for Lua, in C on OpenBLAS",
  license = "MIT",
}
dependencies = {"lua ~> 5.4"}
external_dependencies = {OPENBLAS = {library = "openblas"}, ZLIB = {header = "zlib.h"}}
build = {
  type = "make",
  build_target = "programs",
  install_variables = {PREFIX = "$(PREFIX)", LUA_CDIR = "$(LIBDIR)"},
}
]]):format(about.version)
end

-- ---- editors ----------------------------------------------------------------------------------

local kinds = {
  dataset = "nn.Dataset", tensor = "nn.Tensor", history = "nn.History", number = "number",
  string = "string", boolean = "boolean", picture = "nn.Picture", table = "table",
}
local owners = {
  tensor = "nn.Tensor", x = "nn.Tensor", dataset = "nn.Dataset", history = "nn.History",
  model = "nn.Module", p = "nn.Picture", stream = "nn.Stream",
}

-- The parameters of "nn.fit(model, data, {loss, ...})", for annotations: model, data, options.
local function parameters(signature)
  local inside = signature:match "%((.*)%)"
  local list = {}
  if not inside then return signature:find "{" and {"options"} or list end
  for part in inside:gsub("%b{}", "options"):gsub("%b()", ""):gmatch "[^,]+" do
    local name = part:match "^%s*%[?%s*([%a_][%w_]*)" or part:match "^%s*(%.%.%.)"
    if name == "end" or name == "in" or name == "function" then name = name .. "_" end
    if list[#list] == "..." then break end
    list[#list + 1] = name
  end
  return list
end

local function annotate(lines, entry, name)
  for line in (entry.signature .. "\n\n" .. entry.text .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = "--- " .. line
  end
  local list = parameters(entry.signature)
  for _, parameter in ipairs(list) do
    lines[#lines + 1] = parameter == "..." and "---@param ... any"
      or ("---@param %s%s"):format(parameter, parameter == "options" and "? table" or " any")
  end
  local result = entry.signature:match "%->%s*(%l+)"
  if result then lines[#lines + 1] = "---@return " .. (kinds[result] or "any") end
  lines[#lines + 1] = ("function %s(%s) end\n"):format(name, table.concat(list, ", "))
end

-- LuaLS: a library file that is never run.
function M.meta(_, gather, public)
  local lines = {"---@meta nn", "-- made by doc/generate.lua", "", "nn = {}", ""}
  for _, part in ipairs(public.parts) do lines[#lines + 1] = ("nn.%s = {}"):format(part) end
  local classes = {}
  for _, class in pairs(owners) do classes[class] = true end
  for _, class in ipairs(util.sorted_keys(classes)) do
    local variable = class:gsub("%.", "_")
    lines[#lines + 1] = ("\n---@class %s\nlocal %s = {}"):format(class, variable)
  end
  lines[#lines + 1] = ""
  local entries = gather.entries()
  for _, name in ipairs(gather.names()) do
    local owner, method = name:match "^(%a+):([%w_]+)$"
    if owner and owners[owner] then
      annotate(lines, entries[name], owners[owner]:gsub("%.", "_") .. ":" .. method)
    elseif name:match "^nn%.[%w_]+%.?[%w_]*$" then
      annotate(lines, entries[name], name)
    end
  end
  local aliases = gather.aliases()
  for _, name in ipairs(util.sorted_keys(aliases)) do
    if not entries[name] then
      annotate(lines, aliases[name], "nn_Tensor:" .. name:match ":(.*)$")
    end
  end
  lines[#lines + 1] = "return nn"
  return table.concat(lines, "\n") .. "\n"
end

-- For .luacheckrc, whose read_globals it becomes a part of.
function M.luacheck(_, _, public)
  local fields, parts = {}, {}
  for _, part in ipairs(public.parts) do parts[part] = {} end
  for _, name in ipairs(public.names()) do
    local part, field = name:match "^nn%.([%w_]+)%.?([%w_]*)$"
    if part and field ~= "" then
      table.insert(parts[part], field)
    elseif part and not parts[part] then
      fields[#fields + 1] = part
    end
  end
  local lines = {"-- for .luacheckrc: read_globals = {nn = dofile \"nn.luacheck.lua\"}",
    "return {fields = {"}
  for _, name in ipairs(fields) do
    lines[#lines + 1] = ("  %s = {other_fields = true},"):format(name)
  end
  for _, part in ipairs(public.parts) do
    table.sort(parts[part])
    lines[#lines + 1] = ("  %s = {fields = {"):format(part)
    for _, name in ipairs(parts[part]) do lines[#lines + 1] = ("    %s = {},"):format(name) end
    lines[#lines + 1] = "  }},"
  end
  lines[#lines + 1] = "}}"
  return table.concat(lines, "\n") .. "\n"
end

-- ---- the manual -------------------------------------------------------------------------------

-- The chapters, by the beginning of names or the kind of entries, in the order of the contract.
local chapters = {
  {"Tensors", {"^tensor", "^nn%.linalg%."}, "operations"},
  {"Gradients", {"^nn%.grad", "^nn%.no_grad", "^nn%.numeric_grad", "^nn%.func$"}},
  {"Layers", {"^nn%.Module", "^nn%.Parameter", "^model:", "^nn%.init"}, "layers"},
  {"Losses", {}, "losses"},
  {"Optimizers", {"^nn%.optim", "^optimizer:", "^nn%.clip_", "^nn%.ols"}, "optimizers"},
  {"Schedules", {"^nn%.schedule", "^schedule:"}},
  {"Data", {"^nn%.data", "^dataset:", "^stream:", "^transform:"}},
  {"Files", {"^nn%.save", "^nn%.load"}},
  {"Training", {"^nn%.fit", "^nn%.evaluate", "^nn%.resume", "^history", "^nn%.EarlyStopping",
    "^nn%.Checkpoint", "^nn%.CSVLog", "^nn%.TensorBoard", "^nn%.metrics"}},
  {"Experiments", {"^nn%.cross_validate", "^nn%.search", "^nn%.compare", "^nn%.race",
    "^nn%.functions", "^nn%.lr_find", "^nn%.landscape", "^nn%.learning_curve",
    "^nn%.validation_curve", "^nn%.diagnose", "^nn%.uniform", "^nn%.log_uniform", "^nn%.choice",
    "^nn%.int$", "^result:", "^race:"}},
  {"Pictures", {"^nn%.plot", "^p:", "^nn%.report"}},
  {"The rest", {""}},
}

local function belongs(chapter, entry)
  if chapter[3] and entry.kind == chapter[3] then return true end
  if entry.kind ~= "function" and not chapter[2][1] then return false end
  for _, pattern in ipairs(chapter[2]) do
    if entry.name:find(pattern) then return true end
  end
  return false
end

local function anchor(name)
  return (name:lower():gsub("[^%w_]", ""))
end

local function params_table(entry)
  local lines = {"", "| argument | | |", "| --- | --- | --- |"}
  for _, p in ipairs(entry.params) do
    local kind = p.choices and '"' .. table.concat(p.choices, '", "') .. '"' or p.kind
    lines[#lines + 1] = ("| `%s` | %s%s | %s |"):format(p.name, kind,
      p.default and (", default `%s`"):format(p.default) or p.needed and ", needed" or "",
      p.doc:gsub("|", "\\|"))
  end
  return table.concat(lines, "\n")
end

local function section(entry)
  local lines = {"", ("### %s"):format(entry.name), "", "```lua", entry.signature, "```", "",
    entry.text}
  if entry.params and #entry.params > 0 then lines[#lines + 1] = params_table(entry) end
  if entry.example then
    lines[#lines + 1] = "\nExample:\n\n```lua\n" .. entry.example .. "\n```"
  end
  return table.concat(lines, "\n")
end

function M.reference(gather)
  local lines = {"# Reference", "",
    "Made by `make docs` from the texts behind `?name` at the prompt; please change it there.", ""}
  local placed, body = {}, {}
  for _, chapter in ipairs(chapters) do
    local names, sections = {}, {}
    for _, name in ipairs(gather.names()) do
      local entry = gather.entries()[name]
      if not placed[name] and belongs(chapter, entry) then
        placed[name] = true
        names[#names + 1] = ("[`%s`](#%s)"):format(name, anchor(name))
        sections[#sections + 1] = section(entry)
      end
    end
    if #names > 0 then
      lines[#lines + 1] = ("- [%s](#%s): %s"):format(chapter[1], anchor(chapter[1]:gsub(" ", "")),
        table.concat(names, ", "))
      body[#body + 1] = ("\n## %s\n%s"):format(chapter[1], table.concat(sections, "\n"))
    end
  end
  return table.concat(lines, "\n") .. "\n" .. table.concat(body, "\n") .. "\n"
end

return M
