-- The interpreter from outside: every test runs the binary that runs this file.

local tools = dofile "spec/tools.lua"
local nnlua, read = tools.nnlua, tools.read

local function write(path, text)
  local f = assert(io.open(path, "wb"))
  assert(f:write(text))
  assert(f:close())
end

local function capture(command)
  local f = assert(io.popen(command))
  local text = f:read("a"):gsub("\n$", "")
  f:close()
  return text
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

if nnlua:find("/", 1, true) and nnlua:sub(1, 1) ~= "/" then
  nnlua = capture("pwd") .. "/" .. nnlua
end

describe("nnlua", function()
  local dir

  setup(function()
    dir = capture("mktemp -d")
  end)

  teardown(function()
    os.execute("rm -rf " .. quote(dir))
  end)

  -- A shell command with $NN for the binary and $DIR for a scratch folder, in which it runs.
  -- Returns stdout, stderr and the exit code as a shell shows it: 128 + n after signal n.
  local function sh(command, stdin)
    write(dir .. "/in", stdin or "")
    write(dir .. "/command", command)
    local ok, how, code = os.execute(("cd %s && NN=%s DIR=%s LUA_INIT= sh ./command <in >out 2>err")
      :format(quote(dir), quote(nnlua), quote(dir)))
    if how == "signal" then code = code + 128 end
    assert(ok or code ~= 0)
    return read(dir .. "/out"), read(dir .. "/err"), code
  end

  local function succeeds(expected, command, stdin)
    local out, err, code = sh(command, stdin)
    assert.equal("", err)
    assert.equal(expected, out)
    assert.equal(0, code)
  end

  local function fails(pattern, command, stdin)
    local _, err, code = sh(command, stdin)
    assert.matches(pattern, err)
    assert.equal(1, code)
    return err
  end

  describe("options", function()
    it("runs -e in order, with its value attached or not", function()
      succeeds("1\n3\n", [["$NN" '-eprint(1)' -ea=3 -e 'print(a)']])
    end)

    it("loads libraries with -l, under a name of choice too", function()
      succeeds("A\t2\n", [["$NN" -l str=string -lm=math -e 'print(str.upper"a", m.max(1, 2))']])
    end)

    it("reports a library that does not exist", function()
      fails("module 'nowhere' not found", [["$NN" -l nowhere]])
    end)

    it("shows the version with -v and then runs the rest", function()
      local out, _, code = sh [["$NN" -v -e 'print "hello"']]
      assert.matches("^nnlua %d+%.%d+%.%d+\nLua 5%.4.*PUC%-Rio\nhello\n$", out)
      assert.equal(0, code)
    end)

    it("turns warnings on with -W, off by default", function()
      local _, err = sh [["$NN" -W -e 'warn("a", "b")']]
      assert.equal("Lua warning: ab\n", err)
      succeeds("", [["$NN" -e 'warn("a", "b")']])
    end)

    it("stops at --", function()
      write(dir .. "/-e", "print(arg[0], ...)")
      succeeds("-e\t-v\n", [["$NN" -- -e -v]])
    end)

    for _, option in ipairs {"-h", "---", "-Ex", "-vv", "-iv", "-Wx", "--nothing", "--helpme"} do
      it("does not know " .. option, function()
        local err = fails("unrecognized option '" .. option:gsub("%p", "%%%0") .. "'",
          '"$NN" ' .. option)
        assert.matches("\nusage: .*%-e stat.*%-%-strict", err)
      end)
    end

    for _, option in ipairs {"-e", "-l", "--seed", "--threads", "--memory"} do
      it("wants a value after " .. option, function()
        fails("'" .. option:gsub("%p", "%%%0") .. "' needs argument", '"$NN" ' .. option)
      end)
    end

    it("shows help and versions on stdout", function()
      local out, err, code = sh [["$NN" --help]]
      assert.matches("^usage: .*%-%-memory", out)
      assert.equal("", err)
      assert.equal(0, code)
      out, err, code = sh [["$NN" --version]]
      assert.matches("^nnlua: %d+%.%d+%.%d+\nlua: .*5%.4.*\nblas: .*\nthreads: ", out)
      assert.equal("", err)
      assert.equal(0, code)
    end)

    it("takes a seed, also a random one, which it shows", function()
      succeeds("ok\n", [["$NN" --seed 7 -e 'print "ok"']])
      succeeds("ok\n", [["$NN" --seed=7 -e 'print "ok"']])
      local out, err, code = sh [["$NN" --seed random -e 'print "ok"']]
      assert.equal("ok\n", out)
      assert.matches("seed %d+\n$", err)
      assert.equal(0, code)
      fails("'%-%-seed' needs an integer or 'random', got 'x'", [["$NN" --seed x]])
    end)

    it("has room for a heap of many small things, which come, grow and go", function()
      -- More than the region of heap.c holds, strings and tables of all its sizes and larger ones.
      succeeds("ok\n", [["$NN" -e '
        local kept, texts = {}, {}
        for i = 1, 1200000 do kept[i] = {i} end
        for i = 1, #kept do assert(kept[i][1] == i) end
        for i = 1, #kept do if i % 3 > 0 then kept[i] = false end end
        collectgarbage()
        for n = 1, 600 do texts[n] = string.rep(string.char(n % 256), n) end
        for i = 3, #kept, 3 do
          for k = 2, i % 40 do kept[i][k] = -k end
        end
        collectgarbage()
        for i = 3, #kept, 3 do
          assert(kept[i][1] == i and #kept[i] == math.max(1, i % 40))
          for k = 2, #kept[i] do assert(kept[i][k] == -k) end
        end
        for n, text in ipairs(texts) do assert(text == string.rep(string.char(n % 256), n)) end
        print "ok"']])
    end)

    it("takes threads and memory, and says what they should be", function()
      succeeds("ok\n", [["$NN" --threads 1 --memory 512M -e 'print "ok"']])
      succeeds("ok\n", [["$NN" --memory=2GiB -e 'print "ok"']])
      for _, value in ipairs {"0", "-1", "1.5", "many", "99999999999999999999"} do
        fails("'%-%-threads' needs a positive integer", '"$NN" --threads ' .. value)
      end
      for _, value in ipairs {"0", "1X", "G", "9999999999G", "2GG"} do
        fails("'%-%-memory' needs a number of bytes", '"$NN" --memory ' .. value)
      end
    end)

    -- What libgomp has read, by its own account, and what the script sees of it.
    local function spins(settings, options)
      local seen = "print(os.getenv 'GOMP_SPINCOUNT', os.getenv 'NNLUA_STARTED', ...)"
      write(dir .. "/seen.lua", seen)
      local out, err = sh(("unset GOMP_SPINCOUNT OMP_WAIT_POLICY OMP_NUM_THREADS\n" ..
        [[env OMP_DISPLAY_ENV=verbose %s "$NN" %s seen.lua 'a b' ""]]):format(settings, options))
      local count
      for number in err:gmatch "GOMP_SPINCOUNT = '(%d+)'" do count = number end
      return count, out
    end

    it("lets threads spin for a short time only, unless told otherwise", function()
      local count, out = spins("", "--threads 2")
      assert.equal("nil\tnil\ta b\t\n", out)
      assert.truthy(count == "2000" or count == nil, count) -- nil: no libgomp
      count, out = spins("GOMP_SPINCOUNT=77", "--threads 2")
      assert.equal("77\tnil\ta b\t\n", out)
      assert.truthy(count == "77" or count == nil, count)
      for settings, options in pairs {["OMP_WAIT_POLICY=active"] = "--threads 2",
        ["NNLUA_STARTED=1"] = "--threads 1"} do
        count = spins(settings, options)
        assert.not_equal("2000", count)
      end
      local loader = capture [[ls /lib64/ld-linux-x86-64.so.2 2>/dev/null]]
      if loader ~= "" then
        succeeds("here\n", loader .. [[ "$NN" --threads 2 -e 'print "here"']])
      end
      count, out = spins("NNLUA_STARTED=1", "--threads 2")
      assert.equal("nil\tnil\ta b\t\n", out)
      assert.truthy(count == "2000" or count == nil, count)
    end)

    it("passes --quiet and --no-color on to the module", function()
      succeeds("false\ttrue\n",
        [[NO_COLOR= TERM=xterm "$NN" -e 'print(nn.options.quiet, nn.options.color)']])
      succeeds("true\tfalse\n",
        [["$NN" --quiet --no-color -e 'print(nn.options.quiet, nn.options.color)']])
      succeeds("false\n", [[NO_COLOR=1 TERM=xterm "$NN" -e 'print(nn.options.color)']])
      succeeds("false\n", [[TERM=dumb "$NN" -e 'print(nn.options.color)']])
    end)
  end)

  describe("--strict", function()
    it("can be turned on by a script", function()
      fails("use of undeclared global 'pirnt'", [["$NN" -e 'a = 1 nn.strict() b = a pirnt(b)']])
    end)

    it("finds a misspelt global", function()
      fails("use of undeclared global 'pirnt'", [["$NN" --strict -e 'pirnt(1)']])
      fails("assignment in a function to undeclared global 'x'",
        [["$NN" --strict -e 'local function f() x = 1 end f()']])
    end)

    it("accepts what a main chunk declares, nil too", function()
      succeeds("nil\t2\n", [["$NN" --strict -e 'a, b = nil, 1' -e '
        function f() b = 2 end f() print(a, b)']])
      succeeds("3\n", [["$NN" --strict -lm=math -e 'print(m.max(3, 1))']])
    end)

    it("leaves the prompt usable", function()
      local out, err = sh([["$NN" --strict -i]], "1 + 1\nx\n")
      assert.matches("\n2\n", out)
      assert.matches("undeclared global 'x'", err)
    end)
  end)

  describe("scripts", function()
    it("see their arguments and what came before them", function()
      write(dir .. "/args.lua",
        "print(#arg, arg[0], arg[1], arg[2], arg[-1], arg[-2], arg[-4], ...)\n")
      local out = sh [["$NN" -e '' -- args.lua a -h]]
      assert.equal(("2\targs.lua\ta\t-h\t--\t\t%s\ta\t-h\n"):format(nnlua), out)
    end)

    it("see the arguments as -e changed them", function()
      succeeds("100\n", [[echo 'print(...)' | "$NN" -e 'arg[1] = 100' -]])
      fails("'arg' is not a table", [[echo | "$NN" -e 'arg = 1' -]])
    end)

    it("come from stdin, and their errors count", function()
      succeeds("10\n", '"$NN"', "print(10)")
      succeeds("x\n", '"$NN" - x', "print(arg[1])")
      fails("stdin:1: oops", '"$NN"', "error 'oops'")
      fails("stdin:1: oops", '"$NN" -', "error 'oops'")
    end)

    it("may begin with #! or a byte order mark", function()
      succeeds("3\n", '"$NN" -', "#!/usr/bin/env nnlua\nprint(3)")
      succeeds("3\n", '"$NN" -', "\xEF\xBB\xBF# comment\nprint(3)")
    end)

    it("that cannot be opened are an error", function()
      fails("cannot open nowhere.lua", [["$NN" nowhere.lua]])
    end)

    it("run LUA_INIT first, unless -E", function()
      succeeds("5\n", [[LUA_INIT='x = 5' "$NN" -e 'print(x)']])
      succeeds("6\n", [[LUA_INIT_5_4='x = 6' LUA_INIT='x = 5' "$NN" -e 'print(x)']])
      write(dir .. "/init.lua", "x = 7")
      succeeds("7\n", [[LUA_INIT=@init.lua "$NN" -e 'print(x)']])
      succeeds("nil\n", [[LUA_INIT='error()' "$NN" -E -e 'print(x)']])
      fails("LUA_INIT:1: msg", [[LUA_INIT='error "msg"' "$NN"]])
    end)

    it("follow LUA_PATH, unless -E", function()
      succeeds("x\n", [[LUA_PATH=x "$NN" -e 'print(package.path)']])
      succeeds("y\n", [[LUA_CPATH=y "$NN" -e 'print(package.cpath)']])
      local out = sh [[LUA_PATH=xyz "$NN" -E -e 'print(package.path)']]
      assert.not_matches("xyz", out)
    end)
  end)

  describe("errors", function()
    it("have the program's name, the place and a traceback", function()
      write(dir .. "/bad.lua", "local function f()\n  error 'oops'\nend\nf()")
      local err = fails("bad%.lua:2: oops\nstack traceback:\n.*in main chunk", '"$NN" bad.lua')
      assert.equal(nnlua .. ": bad.lua:2: oops\n", err:match("^[^\n]*\n"))
    end)

    it("may be objects", function()
      fails(": mine\n$", [["$NN" -e 'error(setmetatable({}, {__tostring = function()
        return "mine" end}))']])
      fails("%(error object is a table value%)", [["$NN" -e 'error {}']])
      fails("nil", [["$NN" -e 'error()']])
    end)

    it("set the exit code, as os.exit does", function()
      local function code(text)
        return (select(3, sh('"$NN" -e ' .. quote(text))))
      end
      assert.equal(0, code "")
      assert.equal(7, code "os.exit(7)")
      assert.equal(7, code "os.exit(7, true)")
      assert.equal(1, code "os.exit(false)")
      assert.equal(0, code "os.exit(true, true)")
      assert.equal(1, code "x.y = 1")
    end)

    it("include output that cannot be written", function()
      local full = io.open("/dev/full", "w")
      if not full then return pending("no /dev/full here") end
      full:close()
      fails("cannot write to standard output", [["$NN" -e 'print(1)' >/dev/full]])
      fails("cannot write to standard output", [["$NN" -e 'print(1) os.exit(0)' >/dev/full]])
      fails("cannot write to standard output", [["$NN" -e 'print(("x"):rep(1e6))' >/dev/full]])
      fails("cannot write to standard output", [["$NN" --help >/dev/full]])
    end)
  end)

  describe("the module", function()
    it("is preset as a global, and from any folder", function()
      succeeds("true\ttable\n", [[cd / && "$NN" -e 'print(nn == require "nn", type(nn))']])
      succeeds("true\n", [["$NN" -E -e 'package.path = "" package.cpath = ""
        package.loaded.nn = nil print(type(require "nn") == "table")']])
    end)

    it("is found as installed in bin, by a link", function()
      succeeds("table\n", [[ln -sf "$NN" linked && ./linked -e 'print(type(nn))']])
    end)

    it("shares the interpreter with C modules", function()
      local out, err, code = sh [["$NN" -e 'print(type(require "lfs".attributes))']]
      if err:find("module 'lfs' not found", 1, true) then return pending("no lfs here") end
      assert.equal("function\n", out)
      assert.equal(0, code)
    end)

    it("loads into a stock Lua", function()
      local module = nnlua:gsub("[^/]*$", "nn.so")
      if nnlua:find("/asan/", 1, true) then
        return pending("an ASan build does not load into an interpreter without")
      end
      if capture("command -v lua5.4") == "" then return pending("no lua5.4 here") end
      succeeds("table\n", ("lua5.4 -e 'package.cpath = %q' -e 'print(type(require \"nn\"))'")
        :format(module))
    end)
  end)

  describe("the prompt", function()
    -- The values and messages that a session prints, without the prompts and the echoed input.
    local function session(text)
      local out, err, code = sh('"$NN" --quiet -i', text)
      assert.equal(0, code)
      return out:gsub("[^\n]*> [^\n]*\n", ""), err, out
    end

    it("prints expressions, with or without =", function()
      assert.equal("2\na\t3\n", (session '1 + 1\n="a", 3\n'))
    end)

    it("continues incomplete statements", function()
      local values, err, out = session "for i = 1, 2 do\nprint(i)\nend\n'a' ..\n'b'\n"
      assert.equal("1\n2\nab\n", values)
      assert.equal("", err)
      assert.matches("\n>> print%(i%)\n>> end\n", out)
    end)

    it("keeps the last value in _", function()
      assert.equal("2\n20\n20\n", (session "1 + 1\n_ * 10\nlocal x = 3\n_\n"))
    end)

    it("is silent after a final ;", function()
      assert.equal("2\n3\na;\n", (session "1 + 1;\n_ \n3 -- ;\n'a;'\n"))
    end)

    it("goes on after errors, shown without the program's name", function()
      local values, err = session "error 'oops'\n1 +\n)\n5\n"
      assert.equal("5\n", values)
      assert.matches("^stdin:1: oops\nstack traceback:", err)
      assert.matches("\nstdin:1: unexpected symbol", err)
    end)

    it("says what is wrong with print", function()
      local _, err = sh([["$NN" -e 'print = nil' -i]], "10\n")
      assert.matches("error calling 'print' %(attempt to call a nil value%)", err)
    end)

    it("takes _PROMPT and _PROMPT2", function()
      local out = sh([["$NN" --quiet -e '_PROMPT, _PROMPT2 = "A", "B"' -i]], "x =\n1\n")
      assert.equal("Ax =\nB1\nA\n", out)
    end)

    it("has a banner, unless --quiet", function()
      assert.matches("^nnlua %d.*PUC%-Rio\n> \n$", (sh('"$NN" -i')))
      assert.equal("> \n", (sh('"$NN" -i --quiet')))
    end)

    it("reads lines of any length", function()
      assert.equal("100000\n", (session("#'" .. ("x"):rep(100000) .. "'\n")))
    end)
  end)

  describe("Ctrl-C", function()
    -- Starts a script in the background, waits until it has printed "ready", then acts.
    local function interrupt(script, action)
      write(dir .. "/script.lua", script)
      return sh([[
        "$NN" script.lua >ready 2>message & pid=$!
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
          grep -q ready ready && break
          sleep 0.2
        done
        ]] .. action .. [[

        wait $pid
        code=$?
        cat ready
        cat message >&2
        exit $code]])
    end

    local ready = "print 'ready' io.stdout:flush() "

    it("stops a busy loop with a traceback, and the shell sees why", function()
      local _, err, code = interrupt(ready .. "while true do end", "sleep 0.2; kill -INT $pid")
      assert.matches("script%.lua:1: interrupted!\nstack traceback:", err)
      assert.equal(130, code)
    end)

    it("can be caught once", function()
      local out, _, code = interrupt(
        ready .. "print(pcall(function() while true do end end)) print 'went on'",
        "sleep 0.2; kill -INT $pid")
      assert.matches("false\tscript%.lua:1: interrupted!\nwent on\n", out)
      assert.equal(0, code)
    end)

    it("ends the process when it comes twice", function()
      local _, err, code = interrupt(
        ready .. "while true do pcall(function() while true do end end) end",
        "sleep 0.2; kill -INT $pid; sleep 0.3; kill -INT $pid 2>&-")
      -- Between two calls of pcall nothing catches the first one; then it was the end already.
      if err ~= "" then assert.matches("interrupted!", err) end
      assert.equal(130, code)
    end)

    it("leaves the prompt alive", function()
      local out, err = sh([[
        mkfifo lines
        "$NN" --quiet -i <lines >session 2>message & pid=$!
        exec 3>lines
        echo 'print "ready" io.stdout:flush() while true do end' >&3
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
          grep -q '^ready' session && break
          sleep 0.2
        done
        kill -INT $pid
        sleep 0.5
        echo '40 + 2' >&3
        exec 3>&-
        wait $pid
        echo code $?
        cat session
        cat message >&2]])
      assert.matches("^code 0\n", out)
      assert.matches("\n42\n", out)
      assert.matches("interrupted!", err)
    end)
  end)
end)
