-- browser.lua FOLDER: a report and an animation to be opened in a browser (tests/browser.sh), the
-- report with a script added that tries what a reader would try and writes what it saw into the
-- page. browser.lua FOLDER shots: looks at pictures of the animation, FOLDER/shots/*/*.png, early
-- ones first.
local folder = arg[1]

-- How many pixels have nearly that colour.
local function count(picture, r, g, b)
  local far = (picture[1] * 255 - r):abs() + (picture[2] * 255 - g):abs()
    + (picture[3] * 255 - b):abs()
  return far:lt(12):sum():item()
end
local function shots()
  local seen = {}
  for x in nn.data.images(folder .. "/shots"):batches {size = 1, shuffle = false} do
    seen[#seen + 1] = {blue = count(x[1], 0, 114, 178), orange = count(x[1], 213, 94, 0)}
  end
  local function say(name, fine) print((fine and "pass " or "FAIL ") .. name) end
  say("there are three pictures", #seen == 3)
  say(("a trail grows: %d, %d, %d pixels"):format(seen[1].blue, seen[2].blue, seen[3].blue),
    seen[1].blue + 50 < seen[2].blue and seen[2].blue < seen[3].blue)
  say(("a short one is complete: %d, %d pixels"):format(seen[2].orange, seen[3].orange),
    seen[2].orange > 100 and math.abs(seen[2].orange - seen[3].orange) < 30)
end
if arg[2] == "shots" then return shots() end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end
local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  assert(file:close())
end

nn.seed(1)
local model = nn.Sequential {nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)}
local x = nn.randn(80, 2)
local data = nn.data.tensors(x, x:select(2, 1):gt(0):to "int64" + 1)
local history = nn.fit(model, data, {loss = nn.CrossEntropyLoss(), epochs = 12, validation = 0.25,
  optimizer = nn.optim.Adam(model:parameters(), {lr = 0.05}), metrics = {"accuracy"},
  progress = false})
local page = folder .. "/report.html"
nn.report(page, {
  title = 'A report & <its> "title"', "# Training\n\nHow it went.", history,
  nn.plot {title = "boundary"}:boundary(model, data), model, {loss = 0.5},
  nn.plot {title = "counts"}:confusion {{9, 1}, {2, 8}},
})

-- What the reader does: looks for the curves, hides one, shows it again, points at the chart.
local try = [=[
<script>
var seen = [], say = function (name, fine) { seen.push((fine ? "pass " : "FAIL ") + name); };
window.addEventListener("load", function () {
  try {
    var figure = document.querySelector("figure[data-plot]"), svg = figure.querySelector("svg");
    var curves = svg.querySelectorAll("[data-series=training] path");
    say("curves are drawn", curves.length >= 2 && curves[0].getTotalLength() > 100);
    say("there is a title", document.title === 'A report & <its> "title"');
    say("the boundary's pixels are loaded", document.querySelector("image").getBBox().width > 100);
    var legend = svg.querySelector("[data-legend=validation]");
    var line = svg.querySelector("[data-series=validation]");
    legend.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    say("a click hides a curve", getComputedStyle(line).display === "none");
    say("the legend tells", legend.getAttribute("aria-pressed") === "false");
    legend.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    say("a key shows it again", getComputedStyle(line).display !== "none");
    var box = svg.getBoundingClientRect();
    svg.dispatchEvent(new PointerEvent("pointermove", { bubbles: true,
      clientX: box.left + box.width * 0.5, clientY: box.top + box.height * 0.25 }));
    var tip = figure.querySelector(".tip");
    say("pointing shows values: " + tip.textContent, !tip.hidden
      && /epoch \d+.*training: \d.*validation: \d/.test(tip.textContent));
    svg.dispatchEvent(new PointerEvent("pointerleave", {}));
    say("and leaving hides them", tip.hidden);
    say("nothing is wider than the page",
      document.documentElement.scrollWidth <= window.innerWidth);
    say("every figure says what it shows", Array.prototype.every.call(
      document.querySelectorAll("figure > svg"), function (s) {
        return (s.getAttribute("aria-label") || "").length > 5;
      }));
    var paper = getComputedStyle(document.body).backgroundColor;
    var dark = location.hash === "#dark";
    say("it is " + (dark ? "dark" : "light") + " as the system is: " + paper,
      dark === matchMedia("(prefers-color-scheme: dark)").matches
      && dark === (paper !== "rgb(255, 255, 255)"));
  } catch (e) { say("no error: " + e, false); }
  document.body.innerHTML = "<pre id=seen>" + seen.join("\n") + "\nend</pre>";
});
</script>
]=]
write(folder .. "/report-test.html",
  (read(page):gsub("</body>", function() return try .. "</body>" end)))

-- A path of fifty steps beside one of a single step.
local function bowl(a, b) return a * a + 4 * b * b end
local path = {}
for i = 0, 50 do path[i + 1] = {2 * 0.9 ^ i, (-0.8) ^ i} end
local moving = folder .. "/moving.svg"
require "nn.plot.animate".save("browser", moving, bowl, {gd = path, other = {{1, 1}, {0.5, 0}}},
  {xrange = {-2.5, 2.5}, yrange = {-1.5, 1.5}, title = "moving", seconds = 4})
