-- chapter.lua: the chapter's experiments, what they print and draw, into doc/chapter.md, by `make
-- chapter`:  nnlua doc/chapter.lua nnlua
local interpreter = assert(arg[1], "the interpreter that runs the scripts")

local page = {[[
# How neural networks are trained: fourteen experiments

The sections of ml4a's chapter [How neural networks are trained][ml4a] as scripts: what each asks,
what it prints, what it draws. Read one, run it, change it; each ends with something to try.
`make chapter` writes this page anew.

[ml4a]: https://ml4a.github.io/ml4a/how_neural_networks_are_trained/
]]}
local function add(...) page[#page + 1] = (...):format(select(2, ...)) end

-- Title, introduction (what the first comment says below the usage) and what there is to try.
local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  local head = text:match "^(.-)\nlocal "
  local function prose(comment) -- formulas, which stand further right, become code
    local lines, code = {}, false
    for line in (comment .. "\n"):gmatch "%-%- ?([^\n]*)\n" do
      local formula = line:find "^  " ~= nil
      if formula ~= code then lines[#lines + 1] = formula and "\n```text" or "```\n" end
      lines[#lines + 1], code = line, formula
    end
    if code then lines[#lines + 1] = "```" end
    return (table.concat(lines, "\n"):gsub("^%s+", ""):gsub("%s+$", ""))
  end
  return head:match "^%-%- ([^\n]*)", prose(head:match "nnlua examples[^\n]*\n(.*)$"),
    prose(text:match "\n(%-%- Try: .*)$")
end

local pipe = assert(io.popen "ls examples/chapter/*.lua")
for path in pipe:lines() do
  local name = path:match "([^/]+)%.lua$"
  local title, introduction, try = read(path)
  local run = assert(io.popen(("'%s' --threads 1 %s --out doc/pictures"):format(interpreter, path)))
  local out = run:read "a"
  assert(run:close(), path)
  add("\n## %s\n\n%s\n", title, introduction)
  add("\n```text\n$ nnlua examples/chapter/%s.lua\n%s\n```\n", name, (out:gsub("%s+$", "")))
  add("\n![%s](pictures/%s.svg)\n\n%s\n\n[The script](../examples/chapter/%s.lua)\n", title, name,
    try, name)
end
pipe:close()

local file = assert(io.open("doc/chapter.md", "w"))
assert(file:write(table.concat(page)))
assert(file:close())
