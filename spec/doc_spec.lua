-- doc_spec.lua: what the manual and the README show is so.
--
-- The ```lua blocks of a file go on from one another: a script, run in an empty folder. A block
-- whose first line is "-- name.lua" is that file, to be run by a ```console block; there, lines
-- with "$ " are commands (nnlua is the one under test), the others what they print. "--> text" in a
-- block of Lua is what is printed, too. "..." stands for anything, and blanks for any blanks.
-- Lua that is not to be run stands in a ```text block. Links lead to files and headings that exist.

local here = debug.getinfo(1, "S").source:match "^@(.*)spec/[^/]*$" or ""

local tools = dofile "spec/tools.lua"
local nnlua, read = tools.nnlua, tools.read
if nnlua:sub(1, 1) ~= "/" then nnlua = os.getenv "PWD" .. "/" .. nnlua end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

local function list(patterns)
  local pipe, found = assert(io.popen(("cd '%s' && ls %s"):format(here == "" and "." or here,
    patterns))), {}
  for path in pipe:lines() do found[#found + 1] = path end
  assert(pipe:close())
  return found
end

-- Generated: the examples in the reference are run from their sources by help_spec.lua, the
-- pictures of the gallery by `make gallery`, which makes it.
local generated = {["doc/reference.md"] = true, ["doc/gallery.md"] = true}

-- {kind, text, line} of each fenced block.
local function blocks(text)
  local found, block, number = {}, nil, 0
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    local kind = line:match "^```(%a*)"
    if kind and block then
      found[#found + 1], block = block, nil
    elseif kind then
      block = {kind = kind, line = number, text = ""}
    elseif block then
      block.text = block.text .. line .. "\n"
    end
  end
  return found
end

local function squeeze(text) return (text:gsub("%s+", " ")) end

local function expect(claim, out)
  local at, all = 1, squeeze(out)
  for part in (squeeze(claim) .. "..."):gmatch "(.-)%.%.%." do
    part = part:match "^%s*(.-)%s*$"
    local _, last = all:find(part, at, true)
    assert.truthy(last, claim .. "\nis not printed; this is:\n" .. out)
    at = last + 1
  end
end

-- Runs a command in the folder, where `nnlua` is the one under test; what it prints.
local function run(dir, command)
  write(dir .. "/.run", ("cd '%s' || exit 1\nnnlua() { '%s' \"$@\"; }\n%s\n"):format(dir, nnlua,
    command))
  local _, _, code = os.execute(("sh '%s/.run' >'%s/.out' 2>&1 </dev/null"):format(dir, dir))
  local out = read(dir .. "/.out")
  assert.equal(0, code, command .. "\n" .. out)
  return out
end

local function run_console(dir, text)
  local command, claims
  local function done()
    if not command then return end
    local out = run(dir, command)
    for _, claim in ipairs(claims) do expect(claim, out) end
  end
  for line in text:gmatch "([^\n]*)\n" do
    local next_command = line:match "^%$ (.*)$"
    if next_command then
      done()
      command, claims = next_command, {}
    elseif line:find "%S" then
      claims[#claims + 1] = line
    end
  end
  done()
end

-- The name of the file that a block is, if a console block runs it.
local function file_of(block, consoles)
  local name = block.kind == "lua" and block.text:match "^%-%- (%w+%.lua)%f[^%w.]"
  return name and consoles:find(name, 1, true) and name
end

-- The other blocks of Lua as one script, each at the line where it stands.
local function script_of(found, consoles)
  local lines = {}
  for _, block in ipairs(found) do
    if block.kind == "lua" and not file_of(block, consoles) then
      while #lines < block.line do lines[#lines + 1] = "" end
      for line in block.text:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
    end
  end
  return table.concat(lines, "\n")
end

local function check(path)
  local dir = os.tmpname()
  os.remove(dir)
  assert(os.execute("mkdir " .. dir))
  local found, consoles = blocks(read(here .. path)), ""
  for _, block in ipairs(found) do
    if block.kind == "console" then consoles = consoles .. block.text end
  end
  local script, out = script_of(found, consoles), ""
  if script:find "%S" then
    write(dir .. "/" .. path:match "[^/]+$", script)
    out = run(dir, "nnlua --threads 1 " .. path:match "[^/]+$")
    for claim in script:gmatch "%-%->%s*([^\n]*)" do expect(claim, out) end
  end
  for _, block in ipairs(found) do
    local name = file_of(block, consoles)
    if name then write(dir .. "/" .. name, block.text) end
    if block.kind == "console" then run_console(dir, block.text) end
  end
  os.execute("rm -r " .. dir)
  return out
end

describe("the Lua in", function()
  it("README.md", function()
    local out, text = check "README.md", read(here .. "README.md")
    local line = "y = 0.336 x + 0.805"
    expect(line, out)
    assert.truthy(text:find("`" .. line .. "`", 1, true))
    assert.is_true(tonumber(out:match "([%d.]+)%s*$") > 0.93, out)
  end)
  for _, path in ipairs(list "doc/*.md") do
    if not generated[path] then it(path, function() check(path) end) end
  end
end)

-- GitHub's name of a heading.
local function anchors(path)
  local names, text = {}, read(path):gsub("```.-```", "")
  for heading in ("\n" .. text):gmatch "\n#+%s+([^\n]*)" do
    local name = heading:gsub("`", ""):gsub("%[(.-)%]%(.-%)", "%1"):lower()
    names[name:gsub("[^%w%s_%-\128-\255]", ""):gsub("%s", "-")] = true
  end
  return names
end

describe("the links in", function()
  local files = list "*.md doc/*.md examples/*.md"
  assert(#files > 4)
  for _, path in ipairs(files) do
    it(path, function()
      local text = read(here .. path):gsub("```.-```", ""):gsub("`[^`\n]*`", "")
      local function follow(target)
        if target:find "^%a+:" then return end
        local file, anchor = target:match "^([^#]*)#?(.*)$"
        local full = file == "" and path or (path:match "^(.*/)" or "") .. file
        full = full:gsub("[^/]+/%.%./", "")
        if generated[full] and full == "doc/reference.md" then return end -- `make docs`
        local there = io.open(here .. full)
        assert.truthy(there, target)
        there:close()
        if anchor ~= "" then assert.truthy(anchors(here .. full)[anchor], target) end
      end
      for target in text:gmatch "%]%(([^)%s]+)%)" do follow(target) end
      for target in text:gmatch 'src="([^"]+)"' do follow(target) end
    end)
  end
end)

describe("README.md", function()
  it("names files that are there", function()
    for path in read(here .. "README.md"):gmatch "`([%w/]+%.%w+)`" do
      if path ~= "line.lua" and not path:find "^build/" then
        assert.truthy(io.open(here .. path), path):close()
      end
    end
  end)
end)
