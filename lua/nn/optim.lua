-- optim.lua: nn.optim. The constructors are C's; here are the methods that only arrange what C
-- tells: state, load_state, groups, formula, explain.
local core = require "nn.core"
local util = require "nn.util"

local raise = util.raise
local methods = {}

local function check(opt, name)
  if core.kind(opt) ~= "optimizer" then
    raise("%s: called on %s; it wants an optimizer (call it with a colon, opt:%s())", name,
      util.describe(opt), name)
  end
end

-- ---- groups -----------------------------------------------------------------------------------

local list_groups = core.methods.optimizer.groups

-- What one group is: reading and assigning an option goes to the optimizer.
local function live_group(opt, g, options)
  local params = options.params
  options.params = nil
  local names = util.sorted_keys(options)
  local meta = {__name = "group"}
  function meta.__index(_, name)
    if name == "params" then return params end
    if type(name) == "string" then return opt:_get(g, name) end
  end
  function meta.__newindex(_, name, value)
    if name == "params" then raise("groups: the parameters of a group are fixed") end
    opt:_set(g, name, value)
  end
  function meta.__pairs(group)
    local i = -1
    return function()
      i = i + 1
      local name = i == 0 and "params" or names[i]
      if name then return name, group[name] end
    end, group, nil
  end
  return setmetatable({}, meta)
end

-- A list with an entry for each group: its options, which can be assigned, and `params`.
function methods.groups(opt)
  check(opt, "groups")
  local list = list_groups(opt)
  for g, options in ipairs(list) do list[g] = live_group(opt, g, options) end
  return list
end

-- ---- state ------------------------------------------------------------------------------------

-- Everything that another step depends on, in a table of its own: the options of the groups with
-- the places of their parameters, for each parameter its steps, numbers and slots.
function methods.state(opt)
  check(opt, "state")
  local groups, params, place = list_groups(opt), opt:_slots(), 0
  for _, group in ipairs(groups) do
    for i, t in ipairs(group.params) do
      place = place + 1
      params[place].shape = t:size()
      group.params[i] = place
    end
  end
  for _, entry in ipairs(params) do
    for name, value in pairs(entry) do
      if core.kind(value) == "tensor" then entry[name] = value:clone() end
    end
  end
  return {optimizer = opt:_class(), groups = groups, params = params, globals = opt:_globals()}
end

local function same_list(a, b)
  if type(a) ~= "table" or #a ~= #b then return false end
  for i, v in ipairs(b) do
    if a[i] ~= v then return false end
  end
  return true
end

local function list_text(v)
  if type(v) ~= "table" then return util.describe(v) end
  local words = {}
  for i, x in ipairs(v) do words[i] = tostring(x) end
  return "{" .. table.concat(words, ", ") .. "}"
end

local function shape_text(v)
  if type(v) ~= "table" then return util.describe(v) end
  return #v == 0 and "0 dimensions" or table.concat(v, "x")
end

-- Without the place in the script, which stands before it.
local function reason(err)
  return (tostring(err):gsub("^[^\n]-:%d+: ", ""))
end

-- The groups: as many, the same parameters in them, options that can be set. Returns the names of
-- the slots that these options need.
local function check_groups(opt, state, mine, complain)
  local needed = {}
  if type(state.groups) ~= "table" then
    complain("missing: groups")
    return needed
  end
  if #state.groups ~= #mine.groups then
    complain("groups: %d, must be %d", #state.groups, #mine.groups)
    return needed
  end
  for g, group in ipairs(mine.groups) do
    local other = state.groups[g]
    if type(other) ~= "table" then
      complain("groups[%d]: %s, must be a table", g, util.describe(other))
    else
      if not same_list(other.params, group.params) then
        complain("groups[%d].params: %s, must be %s", g, list_text(other.params),
          list_text(group.params))
      end
      for _, name in ipairs(util.sorted_keys(group)) do
        if other[name] == nil then complain("missing: groups[%d].%s", g, name) end
      end
      local ok, names = pcall(opt._options, opt, g, other, false)
      if not ok then
        complain("groups[%d]: %s", g, reason(names))
        names = opt:_options(g, group, false)
      end
      for _, name in ipairs(names) do needed[name] = true end
    end
  end
  return needed
end

local function is_count(v)
  return math.type(v) == "integer" and v >= 0
end

-- What a name may be: one of the class's slots, or one of a pair that L-BFGS remembers.
local function is_slot(known, name, pairs_kept)
  local pair = tonumber(name:match "^[sy](%d+)$")
  return known[name] or (pair and pairs_kept and pair >= 1 and pair <= pairs_kept) or false
end

local function check_entry(i, entry, mine, shape, want, complain)
  if not same_list(entry.shape, shape) then
    complain("params[%d]: shape %s, must be %s", i, shape_text(entry.shape), shape_text(shape))
    return
  end
  if not is_count(entry.steps) then
    complain("params[%d].steps: %s, must be a whole number from 0", i, util.describe(entry.steps))
  end
  for _, name in ipairs(util.sorted_keys(want.needed)) do
    if entry[name] == nil then complain("missing: params[%d].%s", i, name) end
  end
  for _, name in ipairs(util.sorted_keys(entry)) do
    local value = entry[name]
    if name == "shape" or name == "steps" then
      goto continue
    elseif type(name) ~= "string" then
      complain("not in this optimizer: params[%d][%s]", i, tostring(name))
    elseif type(mine[name]) == "number" then
      if type(value) ~= "number" then
        complain("params[%d].%s: %s, must be a number", i, name, util.describe(value))
      end
    elseif not is_slot(want.known, name, want.pairs) then
      complain("not in this optimizer: params[%d].%s", i, name)
    elseif core.kind(value) ~= "tensor" or value:dtype() ~= want.dtypes[i]
      or not same_list(value:size(), shape) then
      complain("params[%d].%s: %s, must be a %s tensor of %s", i, name, util.describe(value),
        want.dtypes[i], shape_text(shape))
    end
    ::continue::
  end
  for _, name in ipairs(util.sorted_keys(mine)) do
    if type(mine[name]) == "number" and entry[name] == nil and name ~= "steps" then
      complain("missing: params[%d].%s", i, name)
    end
  end
end

local function check_params(state, mine, want, complain)
  if type(state.params) ~= "table" then return complain("missing: params") end
  if #state.params ~= #mine.params then
    return complain("params: %d, must be %d", #state.params, #mine.params)
  end
  for i, entry in ipairs(mine.params) do
    local other = state.params[i]
    if type(other) == "table" then
      check_entry(i, other, entry, want.shapes[i], want, complain)
    else
      complain("params[%d]: %s, must be a table", i, util.describe(other))
    end
  end
end

local function check_globals(state, mine, complain)
  local other = state.globals == nil and {} or state.globals
  if type(other) ~= "table" then
    return complain("globals: %s, must be a table", util.describe(other))
  end
  for _, name in ipairs(util.sorted_keys(mine.globals)) do
    if type(other[name]) ~= "number" then
      complain("globals.%s: %s, must be a number", name, util.describe(other[name]))
    end
  end
  for _, name in ipairs(util.sorted_keys(other)) do
    if mine.globals[name] == nil then
      complain("not in this optimizer: globals.%s", tostring(name))
    end
  end
end

-- All of it fits: first what can fail, room for slots; then what cannot.
local function apply_state(opt, state)
  for _, entry in ipairs(state.params) do
    for name, value in pairs(entry) do
      if core.kind(value) == "tensor" then opt:_make_slot(name) end
    end
  end
  local slots = opt:_slots()
  for g, group in ipairs(state.groups) do opt:_options(g, group, true) end
  for name, value in pairs(state.globals or {}) do opt:_set_global(name, value) end
  core.no_grad(function()
    for i, entry in ipairs(state.params) do
      opt:_set_number(i, "steps", entry.steps)
      for name, slot in pairs(slots[i]) do
        if core.kind(slot) ~= "tensor" then
          opt:_set_number(i, name, entry[name])
        elseif entry[name] then
          slot:copy_(entry[name])
        else
          slot:fill_(0)
        end
      end
    end
  end)
end

-- Goes on from a state that such an optimizer gave. What does not fit is told all together, and
-- then nothing has changed.
function methods.load_state(opt, state)
  check(opt, "load_state")
  if type(state) ~= "table" then
    raise("load_state: expected the table that opt:state() gave, got %s", util.describe(state))
  end
  local complaints = {}
  local function complain(...) complaints[#complaints + 1] = string.format(...) end
  local class, given = opt:_class(), list_groups(opt)
  local mine = {groups = given, params = opt:_slots(), globals = opt:_globals()}
  if state.optimizer ~= class then
    complain("optimizer: %s, must be %q", util.describe(state.optimizer), class)
  else
    local want = {shapes = {}, dtypes = {}, known = opt:_slot_names()}
    for _, group in ipairs(given) do
      for i, t in ipairs(group.params) do
        want.shapes[#want.shapes + 1], want.dtypes[#want.dtypes + 1] = t:size(), t:dtype()
        group.params[i] = #want.shapes
      end
    end
    want.pairs = type(state.globals) == "table" and math.tointeger(state.globals.pairs) or nil
    want.needed = check_groups(opt, state, mine, complain)
    for i = 1, want.pairs and math.min(want.pairs, 1000) or 0 do
      want.needed["s" .. i], want.needed["y" .. i] = true, true
    end
    check_params(state, mine, want, complain)
    check_globals(state, mine, complain)
  end
  if #complaints > 0 then
    raise("load_state: this state does not fit the optimizer, which is unchanged:\n  %s",
      table.concat(complaints, "\n  "))
  end
  apply_state(opt, state)
  return opt
end

-- ---- in words ---------------------------------------------------------------------------------

-- The update with the numbers of the options in it.
function methods.formula(opt)
  check(opt, "formula")
  local groups, texts, same = list_groups(opt), {}, true
  for g in ipairs(groups) do
    texts[g] = opt:_formula(g)
    same = same and texts[g] == texts[1]
  end
  if same then return texts[1] end
  for g, group in ipairs(groups) do
    texts[g] = ("group %d (%d parameter%s):\n  %s"):format(g, #group.params,
      #group.params == 1 and "" or "s", (texts[g]:gsub("\n", "\n  ")))
  end
  return table.concat(texts, "\n")
end

-- The place of element `index` of a tensor, from 0 in row-major order.
local function element(t, index)
  local shape = t:size()
  local list = index
  if index == nil then list = {} end
  if type(index) == "number" then list = {index} end
  if type(list) ~= "table" or #list ~= #shape then
    raise("explain: the index of a weight in a tensor of %s must be %s, got %s", util.shape(t),
      #shape == 0 and "left out" or #shape == 1 and "a number"
        or "a list of " .. #shape .. " numbers",
      type(index) == "table" and list_text(index) or util.describe(index))
  end
  local at = 0
  for d, size in ipairs(shape) do
    local i = math.tointeger(list[d])
    if i and i < 0 then i = i + size + 1 end
    if not i or i < 1 or i > size then
      raise("explain: index %s is not in 1..%d (dimension %d of %s)", tostring(list[d]), size, d,
        util.shape(t))
    end
    at = at * size + i - 1
  end
  return at, list
end

local function number(v)
  return ("%.9g"):format(v)
end

local story_meta = {__name = "explanation"}

function story_meta.__tostring(s)
  local where = #s.index > 0 and "[" .. table.concat(s.index, ", ") .. "]" or ""
  local lines = {("%s, step %d, parameter %d%s"):format(s.optimizer, s.steps, s.parameter, where)}
  local function add(name, value) lines[#lines + 1] = ("  %-10s %s"):format(name, value) end
  add("gradient", number(s.gradient)
    .. (s.entered ~= s.gradient and ", with decay " .. number(s.entered) or ""))
  for _, name in ipairs(util.sorted_keys(s.slots)) do add(name, number(s.slots[name])) end
  add("step", number(s.step))
  add("weight", number(s.before) .. " -> " .. number(s.weight))
  for line in s.formula:gmatch "[^\n]+" do lines[#lines + 1] = "  " .. line end
  return table.concat(lines, "\n")
end

-- opt:explain(tensor, index): the last step of one weight, as a table that prints itself.
function methods.explain(opt, tensor, index)
  check(opt, "explain")
  if core.kind(tensor) ~= "tensor" then
    raise("explain: the first argument must be a parameter of the optimizer, got %s",
      util.describe(tensor))
  end
  local place = 0
  for g, group in ipairs(list_groups(opt)) do
    for _, t in ipairs(group.params) do
      place = place + 1
      if rawequal(t, tensor) then
        local at, list = element(tensor, index)
        local story = opt:_explain(place, at)
        story.optimizer, story.parameter, story.index = opt:_class(), place, list
        story.formula = opt:_formula(g)
        return setmetatable(story, story_meta)
      end
    end
  end
  raise("explain: this %s is no parameter of the optimizer", util.describe(tensor):gsub("^a ", ""))
end

for name, method in pairs(methods) do core.methods.optimizer[name] = method end

return core.optim
