"use strict";
// Every text from the services goes in through textContent: nothing of it is read as HTML.

const REFRESH_MS = 2000, SLOW_REFRESH_MS = 10000, TIMES_MS = 1500;
const WIDTH = 340, HEIGHT = 150, LEFT = 44, RIGHT = 6, TOP = 8, BOTTOM = 22;
const $ = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

function drawn(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

async function read(path, parameters = {}) {
  const response = await fetch(`api/${path}?${new URLSearchParams(parameters)}`);
  const content = await response.json();
  if (!response.ok) throw new Error(content.error || response.statusText);
  return content;
}

function look(status) {
  if (/FAIL|Fail|ROLLBACK|TIMED|ABORT/.test(status)) return "bad";
  return /PROGRESS|Progress|ing$|RUNNING/.test(status) ? "busy" : "good";
}

function table(columns, rows) {
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col", textContent: name })));
  const body = rows.map((cells) => element("tr", {}, ...cells.map(cell)));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function cell(value) {
  if (value instanceof Node) return element("td", {}, value);
  const number = typeof value === "number";
  return element("td", { className: number ? "number" : "", textContent: number ? value.toLocaleString("en") : value });
}

const status = (text) => element("span", { className: look(text), textContent: text });
const moment = (text) => new Date(text).toLocaleTimeString();

function endpointCard(endpoint) {
  const card = element("div", { className: "card" },
    element("h3", { textContent: endpoint.name }), status(endpoint.status));
  for (const instance of endpoint.cache ? endpoint.cache.instances : []) card.append(instanceView(instance));
  return card;
}

function instanceView(instance) {
  const share = Math.min(100, instance.memory_percent);
  const bar = element("div", { className: "bar" }, element("i"));
  bar.firstChild.style.width = `${share}%`;
  const names = instance.models.map((name) => element("span", { textContent: name }));
  const more = instance.loaded - instance.models.length;
  if (more > 0) names.push(element("span", { textContent: `and ${more} more` }));
  return element("div", {},
    element("p", { className: "quiet", textContent: `${instance.type}, ${instance.variant}: ${instance.loaded} models loaded, memory ${instance.memory_percent.toFixed(1)} %` }),
    bar, element("div", { className: "chips", tabIndex: 0, ariaLabel: "loaded models, most recently used first" }, ...names));
}

function chartCard(chart) {
  const values = chart.lines.flatMap((line) => line.points.map((point) => point[1]));
  const highest = Math.max(chart.top ?? 0, ...values, 1e-9);
  const x = (time) => LEFT + (time - chart.start) / (chart.end - chart.start) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - value / highest * (HEIGHT - TOP - BOTTOM);
  const label = `${chart.title}: ${chart.lines.map((line) => `${line.label} ${line.points.length ? short(line.points.at(-1)[1]) : "no values"}`).join(", ")}`;
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  for (const share of [0, 0.5, 1]) {
    svg.append(drawn("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(share * highest), y2: y(share * highest) }),
      drawn("text", { x: LEFT - 4, y: y(share * highest) + 4, "text-anchor": "end" }, short(share * highest)));
  }
  svg.append(drawn("text", { x: LEFT, y: HEIGHT - 6 }, moment(chart.start * 1000)),
    drawn("text", { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, moment(chart.end * 1000)));
  const legend = element("div", { className: "legend" });
  chart.lines.forEach((line, number) => {
    const color = `l${number % 4}`;
    svg.append(drawn("path", { class: color, d: path(line.points, chart.period, x, y) }));
    for (const [time, value] of line.points.slice(-1)) svg.append(drawn("circle", { class: color, cx: x(time), cy: y(value), r: 2.5 }));
    legend.append(element("span", { className: color, textContent: line.label }));
  });
  const card = element("div", { className: "card chart" }, element("h3", { textContent: chart.title }), svg, legend);
  card.dataset.values = JSON.stringify(chart.lines);
  return card;
}

// A period without a value is a gap, not a line across it.
function path(points, period, x, y) {
  let last = -Infinity;
  return points.map(([time, value]) => {
    const step = time - last > 1.5 * period ? "M" : "L";
    last = time;
    return `${step}${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
  }).join("");
}

function short(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e3) return `${+(value / 1e3).toPrecision(3)}k`;
  return `${+value.toPrecision(3)}`;
}

function keepOptions(select, names) {
  const chosen = select.value;
  if ([...select.options].map((option) => option.value).join() === names.join()) return;
  select.replaceChildren(...names.map((name) => element("option", { value: name, textContent: name })));
  if (names.includes(chosen)) select.value = chosen;
}

// Lines that are read when somebody opens them.
function details(title, lines) {
  const log = element("pre", { textContent: "reading …" });
  const opened = element("details", {}, element("summary", { textContent: title }), log);
  opened.addEventListener("toggle", async () => {
    if (opened.open) log.textContent = (await lines()).join("\n") || "no lines";
  });
  return opened;
}

const jobDetails = (job) => details(`${job.kind} ${job.name}`, () => read("log", { group: job.log_group, job: job.name }));
const runDetails = (run) => details(run.name, () => read("history", { run: run.arn }));

// What is open stays open: a table is drawn again only when what it says has changed.
const shown = {};
function show(id, content, build) {
  const text = JSON.stringify(content);
  if (shown[id] === text) return;
  shown[id] = text;
  $(id).replaceChildren(build());
}

async function refresh() {
  try {
    const seen = await read("overview");
    $("endpoints").replaceChildren(...seen.endpoints.map(endpointCard));
    if (!seen.endpoints.length) $("endpoints").textContent = "none yet";
    keepOptions(document.forms.try.endpoint, seen.endpoints.map((endpoint) => endpoint.name));
    keepOptions($("dashboard"), seen.dashboards);
    show("jobs", seen.jobs, () => table(["job", "status", "since"],
      seen.jobs.map((job) => [jobDetails(job), status(job.status), moment(job.since)])));
    show("runs", seen.runs, () => table(["state machine", "run", "status", "since"],
      seen.runs.map((run) => [run.machine, runDetails(run), status(run.status), moment(run.since)])));
    $("stacks").replaceChildren(table(["stack", "status"], seen.stacks.map((stack) => [stack.name, status(stack.status)])));
    $("state").textContent = `as of ${new Date().toLocaleTimeString()}`;
  } catch (error) {
    $("state").textContent = `localaws does not answer: ${error.message}`;
  }
}

async function refreshCharts() {
  if (!$("dashboard").value) return;
  try {
    const charts = await read("dashboard", { name: $("dashboard").value, minutes: $("minutes").value });
    $("charts").replaceChildren(...charts.map(chartCard));
  } catch (error) {
    $("charts").textContent = error.message;
  }
}

async function refreshModels() {
  const endpoint = document.forms.try.endpoint.value;
  if (!endpoint) return;
  const { models, more } = await read("models", { endpoint });
  $("models").replaceChildren(...models.map((model) => element("option", { value: model.target_model })));
  if (!document.forms.try.target_model.value && models.length) document.forms.try.target_model.value = models[0].target_model;
  $("models-table").replaceChildren(
    element("p", { className: "quiet", textContent: `${models.length}${more ? " of more" : ""} in the bucket of ${endpoint}` }),
    table(["target model", "bytes", "since"], models.map((model) => [model.target_model, model.bytes, new Date(model.since).toLocaleString()])));
}

async function showAccess() {
  const endpoint = document.forms.try.endpoint.value;
  if (!endpoint) return;
  $("access").textContent = "asking …";
  try {
    const { models, roles } = await read("access", { endpoint });
    $("access").replaceChildren(table(["role", ...models], roles.map((row) => [row.role,
      ...row.may.map((may) => element("span", { className: may ? "good" : "quiet", textContent: may ? "may" : "no" }))])));
  } catch (error) {
    $("access").textContent = error.message;
  }
}

async function invoke(event) {
  event.preventDefault();
  const asked = Object.fromEntries(new FormData(event.target));
  $("answer").textContent = "…";
  const since = Date.now() / 1000;
  const response = await fetch("api/invoke", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked) });
  const told = await response.json();
  $("answer").className = response.ok && told.status === 200 ? "good" : "bad";
  $("answer").textContent = told.error || `${told.answer.trim()}\n${told.status}, ${told.milliseconds} ms, ${told.was_loaded ? "warm: the model was loaded" : "cold: the model was loaded for it"}`;
  refresh();
  if (response.ok) setTimeout(showTimes, TIMES_MS, asked.endpoint, since, $("answer").textContent);
}

// The endpoint's metrics say where the time went; they come once a second.
async function showTimes(endpoint, since, answer) {
  const { invocations, parts } = await read("times", { endpoint, since });
  if (!parts.length || $("answer").textContent !== answer) return;
  const average = invocations > 1 ? `, on average of ${invocations} invocations since` : "";
  $("answer").textContent = `${answer}\n${parts.map(([name, milliseconds]) => `${name} ${milliseconds} ms`).join(", ")}${average}`;
}

async function begin() {
  $("try").addEventListener("submit", invoke);
  $("access-button").addEventListener("click", showAccess);
  for (const id of ["dashboard", "minutes"]) $(id).addEventListener("change", refreshCharts);
  document.forms.try.endpoint.addEventListener("change", refreshModels);
  await refresh();
  await Promise.all([refreshCharts(), refreshModels()]);
  setInterval(refresh, REFRESH_MS);
  setInterval(refreshCharts, REFRESH_MS);
  setInterval(refreshModels, SLOW_REFRESH_MS);
}
begin();
