// The player in the page.  It is handed scenes (see scene.py) and draws them: where a request is follows from the
// instant alone, so playing, stepping and scrubbing show the same thing.  Counts are of all rows, dots may be a sample.

const PLACES = { waiting: [0.01, 0.13], network: [0.15, 0.34], queue: [0.38, 0.66], workers: [0.7, 0.99] };
const GATE = 0.36, TOP = 0.04, BOTTOM = 0.96;
const GLIDE = 0.18, LINGER = 0.45;            // seconds of the screen: a move between places; an answer's way home
const BESIDE = 760, TALL = 210, CHART = 54;   // pixels: two runs beside each other from so wide on; heights
const ENDING = ["open", "ok", "rejected", "failed", "timed_out", "dead"];
const SPEEDS = [0.001, 0.01, 0.1, 1, 10, 100, 1e3, 1e4, 1e5].flatMap((p) => [p, 2 * p, 5 * p]);
const NAMES = { ok: "ok", rejected: "rejected", failed: "failed", timed_out: "timed out", zombie: "zombie",
  duplicate: "duplicate", dead: "dead letter", stopped: "never sent" };
const HELP = { ok: "the client saw it succeed", rejected: "turned away: 429, 503 or a refused connection",
  failed: "another error", timed_out: "the client stopped waiting",
  zombie: "work done for a client that had stopped waiting", duplicate: "a second copy, or an effect that was there already",
  dead: "given up for good", stopped: "calls that a breaker or a budget kept from sending" };
const INF = Infinity;

// ---------------------------------------------------------------- the table

function bytesOf(view) {
  // Typed arrays need an aligned start, and a message's buffers have none.
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
}
const doubles = (view) => new Float64Array(bytesOf(view));
const ints = (view) => new Int32Array(bytesOf(view));

function upTo(sorted, at) {
  // How many entries of a sorted array are at most `at`.
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= at) low = middle + 1; else high = middle;
  }
  return low;
}

class Table {
  constructor(packed) {
    this.title = packed.title; this.colour = packed.colour; this.seconds = packed.seconds; this.every = packed.every;
    this.stations = packed.stations; this.limits = packed.limits; this.lanes = packed.lanes;
    this.faults = packed.faults.map(([name, start, end]) => [name, start, end ?? INF]);
    const of = {};
    for (const [name, view] of Object.entries(packed.columns)) of[name] = doubles(view);
    Object.assign(this, of);
    this.end = doubles(packed.end); this.status = doubles(packed.status); this.stopped = doubles(packed.stopped);
    this.call = ints(packed.call); this.attempt = ints(packed.attempt);
    this.copy = new Uint8Array(bytesOf(packed.copy)); this.ending = new Uint8Array(bytesOf(packed.ending));
    this.lane = new Uint8Array(bytesOf(packed.lane)); this.struck = new Uint8Array(bytesOf(packed.struck));
    this.breakers = { at: doubles(packed.breakers.at), open: ints(packed.breakers.open),
      half: ints(packed.breakers.half), of: packed.breakers.of };
    this.rows = this.call.length;
    this.levels = this.edges();
    this.slots();
    const order = Uint32Array.from(this.arrived.keys()).sort((a, b) => this.arrived[a] - this.arrived[b]);
    this.byArrival = order;
    this.rank = new Uint32Array(this.rows);
    order.forEach((row, place) => { this.rank[row] = place; });
  }

  // Whether its work ended for a client that had stopped waiting; what dies with its process has not ended.
  late(row) { return this.sawNothing(row) && this.settled[row] <= this.left[row] && !this.struck[row]; }
  sawNothing(row) { return Number.isNaN(this.status[row]); }

  edges() {
    // For each place the sorted instants at which a request comes and goes; for each ending, those at which it is known.
    const { rows, born, sent, arrived, started, left, settled, next, doubled } = this;
    const pairs = { waiting: [[], []], network: [[], []], lost: [[], []], queue: [[], []], workers: [[], []], back: [[], []] };
    const ends = { ok: [], rejected: [], failed: [], timed_out: [], zombie: [], duplicate: [], dead: [] };
    const put = (pair, from, to) => { if (from < to) { pair[0].push(from); pair[1].push(to); } };
    for (let row = 0; row < rows; row++) {
      const quiet = this.sawNothing(row);
      put(pairs.waiting, born[row], sent[row]);
      put(pairs.waiting, settled[row], next[row]);
      if (arrived[row] < INF) put(pairs.network, sent[row], arrived[row]); else put(pairs.lost, sent[row], settled[row]);
      put(pairs.queue, arrived[row], Math.min(started[row], left[row]));
      put(pairs.workers, started[row], left[row]);
      if (!quiet && settled[row] < INF) put(pairs.back, left[row], settled[row]);
      if (this.ending[row]) ends[ENDING[this.ending[row]]].push(settled[row]);
      if (this.late(row) && settled[row] < INF && started[row] < INF && left[row] < INF) ends.zombie.push(left[row]);
      if (doubled[row] < INF) ends.duplicate.push(doubled[row]);
    }
    const sorted = (list) => Float64Array.from(list).sort();
    const levels = {};
    for (const [name, [comes, goes]] of Object.entries(pairs)) levels[name] = { comes: sorted(comes), goes: sorted(goes) };
    for (const [name, list] of Object.entries(ends)) levels[name] = { comes: sorted(list), goes: new Float64Array() };
    levels.stopped = { comes: this.stopped, goes: new Float64Array() };
    return levels;
  }

  count(name, at) { const { comes, goes } = this.levels[name]; return upTo(comes, at) - upTo(goes, at); }
  total(name) { return this.levels[name].comes.length; }

  slots() {
    // Which worker each request has: the lowest that is free as its work begins.
    this.slot = new Int32Array(this.rows);
    this.widest = new Int32Array(this.lanes.length).fill(1);
    const order = Uint32Array.from(this.started.keys()).filter((row) => this.started[row] < INF)
      .sort((a, b) => this.started[a] - this.started[b]);
    const lanes = this.lanes.map(() => ({ until: [], free: [] }));
    for (const row of order) {
      const lane = lanes[this.lane[row]], now = this.started[row];
      let slot = lane.until.findIndex((end) => end <= now);
      if (slot < 0) slot = lane.until.length;
      lane.until[slot] = this.left[row];
      this.slot[row] = slot;
      this.widest[this.lane[row]] = Math.max(this.widest[this.lane[row]], slot + 1);
    }
  }

  // The next or the previous instant at which anything happens, and what does.
  neighbour(at, forward) {
    let found = forward ? INF : -INF;
    for (const name of ["born", "sent", "arrived", "started", "left", "settled", "doubled"])
      for (const instant of this[name])
        if (forward ? instant > at && instant < found : instant < at && instant > found) found = instant;
    return found;
  }

  happenings(at, most = 3) {
    const told = [];
    let more = 0;
    for (let row = 0; row < this.rows; row++)
      for (const [when, what] of this.story(row))
        if (when === at && (told.length < most || !++more)) told.push(`call ${this.call[row]}, attempt ${this.attempt[row]}: ${what}`);
    return told.join("; ") + (more ? `; and ${more} more` : "");
  }

  story(row) {
    // What happens to an attempt, in order, as [instant, words, side], side 0 the client's.
    const copy = this.copy[row] ? " (copy)" : "", status = this.status[row], told = [];
    if (!this.copy[row]) told.push([this.sent[row], "sent", 0]);
    if (this.arrived[row] < INF) told.push([this.arrived[row], `reaches the server${copy}`, 1]);
    if (this.started[row] < INF) told.push([this.started[row], "work begins", 1]);
    if (this.doubled[row] < INF) told.push([this.doubled[row], "its effect: a double", 1]);
    const ended = this.struck[row] ? "dies with its process" : this.started[row] === INF ? "turned away" : this.late(row) ? "work ends, for nobody" : "work ends";
    if (this.left[row] < INF) told.push([this.left[row], ended, 1]);
    if (this.settled[row] < INF && this.copy[row] === 0)
      told.push([this.settled[row], this.sawNothing(row) ? "stops waiting" : status === 0 ? "is refused" : `sees ${status}`, 0]);
    return told.sort((a, b) => a[0] - b[0]);
  }

  rowsOf(call) {
    const found = [];
    for (let row = 0; row < this.rows; row++) if (this.call[row] === call) found.push(row);
    return found;
  }
}

// ---------------------------------------------------------------- looks

function looks(dark) {
  return { flight: [dark ? "#56B4E9" : "#0072B2", "circle"], retry: [dark ? "#56B4E9" : "#0072B2", "ring"],
    waiting: [dark ? "#9E9E9E" : "#8A8A8A", "ring"], ok: ["#009E73", "circle"], rejected: ["#D55E00", "square"],
    failed: ["#D55E00", "diamond"], timed_out: ["#E69F00", "triangle"], zombie: ["#CC79A7", "cross"],
    duplicate: [dark ? "#F0E442" : "#8F7A00", "twin"], dead: [dark ? "#FFFFFF" : "#000000", "plus"],
    stopped: [dark ? "#9E9E9E" : "#8A8A8A", "square"], lost: [dark ? "#9E9E9E" : "#8A8A8A", "cross"] };
}

function shape(pen, kind, colour, x, y, r) {
  pen.fillStyle = pen.strokeStyle = colour;
  pen.lineWidth = Math.max(1, r * 0.5);
  pen.beginPath();
  if (kind === "circle") { pen.arc(x, y, r, 0, 7); pen.fill(); }
  else if (kind === "ring") { pen.arc(x, y, r - pen.lineWidth / 2, 0, 7); pen.stroke(); }
  else if (kind === "square") pen.fillRect(x - r * 0.85, y - r * 0.85, r * 1.7, r * 1.7);
  else if (kind === "diamond" || kind === "triangle") {
    const points = kind === "diamond" ? [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]] : [[0, -1.1], [1.1, 0.9], [-1.1, 0.9]];
    points.forEach(([dx, dy], i) => pen[i ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
    pen.fill();
  } else if (kind === "twin") {
    pen.arc(x - r * 0.4, y, r * 0.7, 0, 7); pen.moveTo(x + r * 1.1, y); pen.arc(x + r * 0.4, y, r * 0.7, 0, 7); pen.stroke();
  } else {
    const d = kind === "plus" ? [[1, 0], [0, 1]] : [[0.8, 0.8], [0.8, -0.8]];
    pen.lineWidth = Math.max(1.2, r * 0.65);
    for (const [dx, dy] of d) { pen.moveTo(x - dx * r, y - dy * r); pen.lineTo(x + dx * r, y + dy * r); }
    pen.stroke();
  }
}

// Each is drawn once for a page: a slider that is turned makes new stages, and these would be most of what they cost.
const SPRITES = new Map();
function sprite(kind, colour, radius, ratio) {
  const key = `${kind} ${colour} ${radius} ${ratio}`;
  if (!SPRITES.has(key)) {
    if (SPRITES.size > 500) SPRITES.clear();
    SPRITES.set(key, newSprite(kind, colour, radius, ratio));
  }
  return SPRITES.get(key);
}

function newSprite(kind, colour, radius, ratio) {
  const half = Math.ceil(radius * 1.4 + 1), canvas = document.createElement("canvas");
  canvas.width = canvas.height = 2 * half * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  shape(pen, kind, colour, half, half, radius);
  canvas.half = half;
  return canvas;
}

function element(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name === "text") made.textContent = value; else if (name in made && name !== "list") made[name] = value; else made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

// Drawn, because not every machine has a font with these signs.
const ICONS = { play: "M4 2 L14 8 L4 14 Z", pause: "M3 2 H6.5 V14 H3 Z M9.5 2 H13 V14 H9.5 Z",
  back: "M2 2 H4.5 V14 H2 Z M14 2 L5.5 8 L14 14 Z", forward: "M2 2 L10.5 8 L2 14 Z M11.5 2 H14 V14 H11.5 Z",
  clear: "M3 4.5 L4.5 3 L8 6.5 L11.5 3 L13 4.5 L9.5 8 L13 11.5 L11.5 13 L8 9.5 L4.5 13 L3 11.5 L6.5 8 Z" };
function icon(button, name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS(svg.namespaceURI, "path");
  svg.setAttribute("viewBox", "0 0 16 16"); svg.setAttribute("aria-hidden", "true"); path.setAttribute("d", ICONS[name]);
  svg.append(path);
  button.replaceChildren(svg);
}

const hash = (number, salt) => { let h = Math.imul(number + 1, 2654435761) ^ Math.imul(salt, 40503); h ^= h >>> 15; h = Math.imul(h, 2246822519); h ^= h >>> 13; return (h >>> 0) / 4294967296; };
const ease = (p) => (p <= 0 ? 0 : p >= 1 ? 1 : p * p * (3 - 2 * p));
const seconds = (at) => (at >= 1e4 ? Math.round(at).toLocaleString("en-US") : at.toFixed(at >= 100 ? 1 : at >= 10 ? 2 : 3)) + " s";

// ---------------------------------------------------------------- one run

class Stage {
  constructor(table, player) {
    this.table = table; this.player = player;
    this.canvas = element("canvas", { role: "img" });
    this.labels = {};
    const station = (name, middle, text) => {
      const count = element("b", { "data-count": name, text: "0" });
      const limit = this.table.limits[name];
      const label = element("span", { className: "station" }, element("i", { text }), count, limit ? ` of ${limit.toLocaleString("en-US")}` : "");
      label.style.left = `${100 * middle}%`;
      this.labels[name] = count;
      return label;
    };
    const names = Object.entries(PLACES).map(([name, [left, right]]) => station(name, (left + right) / 2, table.stations[name]));
    this.fault = element("span", { className: "fault" });
    this.chart = element("canvas", { className: "levels", role: "img" });
    this.cursor = element("div", { className: "cursor" });
    this.levelName = element("span", { className: "level-name" });
    this.charts = element("div", { className: "charts" }, this.chart, this.cursor, this.levelName);
    this.ends = element("ul", { className: "ends" });
    this.sequence = element("div", { className: "sequence" });
    const sampled = table.every > 1 ? element("p", { className: "note", text: `1 of ${table.every} calls is drawn; every number counts all of them` }) : "";
    this.root = element("section", { className: "stage", ariaLabel: table.title },
      element("div", { className: "main" },
        element("h5", {}, element("i", { className: "mark", style: `background:${table.colour}` }), table.title, this.fault),
        element("div", { className: "stations" }, ...names), this.canvas, sampled, this.ends, this.charts), this.sequence);
    this.active = []; this.next = 0; this.seen = -INF;
    this.drawn = {};
    this.hit = { x: [], y: [], row: [] };
    this.canvas.addEventListener("click", (event) => this.pick(event));
    this.charts.addEventListener("pointerdown", (event) => { this.charts.setPointerCapture(event.pointerId); this.scrub(event); });
    this.charts.addEventListener("pointermove", (event) => { if (event.buttons) this.scrub(event); });
    this.ends.append(...Object.keys(NAMES).filter((name) => table.total(name)).map((name) => {
      const count = element("b", { "data-count": name, text: "0" });
      this.labels[name] = count;
      return element("li", { title: HELP[name] }, element("img", { alt: "", "data-look": name }), `${NAMES[name]} `, count);
    }));
  }

  measure() {
    const ratio = Math.min(2, window.devicePixelRatio || 1), width = Math.max(240, this.root.firstChild.clientWidth);
    this.ratio = ratio; this.width = width; this.height = TALL;
    this.canvas.width = width * ratio; this.canvas.height = TALL * ratio;
    this.canvas.style.height = `${TALL}px`;
    this.pen = this.canvas.getContext("2d");
    this.grids();
    const { look } = this.player, radius = Math.max(1.6, Math.min(4, this.pitch * 0.42));
    this.radius = radius;
    this.sprites = {};
    for (const [name, [colour, kind]] of Object.entries(look)) this.sprites[name] = sprite(kind, colour, name === "waiting" ? Math.max(1.5, radius * 0.7) : radius, ratio);
    for (const image of this.ends.querySelectorAll("img")) {
      const [colour, kind] = look[image.dataset.look];
      const drawn = sprite(kind, colour, 5, 2);
      image.src = drawn.url ??= drawn.toDataURL();
    }
    this.background();
    this.seen = -INF;
  }

  grids() {
    // How far apart dots stand: what fits the fullest queue, and each lane's workers.
    const { table, width, height } = this, lanes = table.lanes.length;
    const box = (name) => (PLACES[name][1] - PLACES[name][0]) * width;
    const high = ((BOTTOM - TOP) * height) / lanes;
    let fullest = 1;
    for (const at of table.levels.queue.comes) fullest = Math.max(fullest, table.count("queue", at));
    this.pitch = Math.max(2.2, Math.min(10, Math.sqrt((box("queue") * high) / Math.max(1, fullest / table.every / 1.0)) * 0.97));
    this.lines = Math.max(1, Math.floor(high / this.pitch));
    this.workers = table.lanes.map((_, lane) => {
      const limit = table.limits.workers, number = limit && limit <= 400 ? limit : table.widest[lane];
      const size = Math.max(2.2, Math.min(36, Math.sqrt((box("workers") * high) / number) * 0.97));
      const lines = Math.max(1, Math.floor(high / size));
      return { size, lines, number, boxed: Boolean(limit && limit <= 400) };
    });
  }

  background() {
    // What does not move: boxes, lanes, the gate.
    const canvas = document.createElement("canvas");
    canvas.width = this.canvas.width; canvas.height = this.canvas.height;
    const pen = canvas.getContext("2d"), { width, height, table } = this;
    pen.scale(this.ratio, this.ratio);
    pen.strokeStyle = this.player.line; pen.lineWidth = 1;
    const lanes = table.lanes.length, high = ((BOTTOM - TOP) * height) / lanes;
    pen.strokeRect(PLACES.waiting[0] * width, TOP * height, (PLACES.waiting[1] - PLACES.waiting[0]) * width, (BOTTOM - TOP) * height);
    for (let lane = 0; lane < lanes; lane++) {
      const y = TOP * height + lane * high;
      for (const name of ["queue", "workers"]) pen.strokeRect(PLACES[name][0] * width, y + 1, (PLACES[name][1] - PLACES[name][0]) * width, high - 2);
      if (this.workers[lane].boxed) {
        pen.globalAlpha = 0.6;
        for (let slot = 0; slot < this.workers[lane].number; slot++) {
          const [x, top] = this.worker(lane, slot), size = this.workers[lane].size;
          pen.strokeRect(x - size * 0.42, top - size * 0.42, size * 0.84, size * 0.84);
        }
        pen.globalAlpha = 1;
      }
      if (table.lanes[lane]) { pen.fillStyle = this.player.ink; pen.font = "11px system-ui, sans-serif"; pen.fillText(table.lanes[lane], PLACES.queue[0] * width + 4, y + 12); }
    }
    if (table.stations.gate) {
      pen.fillStyle = pen.strokeStyle = this.player.ink; pen.lineWidth = 3;
      pen.beginPath(); pen.moveTo(GATE * width, TOP * height); pen.lineTo(GATE * width, BOTTOM * height); pen.stroke();
      pen.font = "11px system-ui, sans-serif"; pen.textAlign = "right";
      pen.fillText(table.stations.gate, GATE * width - 5, BOTTOM * height - 4);
    }
    this.scenery = canvas;
  }

  home(row) {
    const call = this.table.call[row], [left, right] = PLACES.waiting;
    return [(left + 0.012 + (right - left - 0.024) * hash(call, 1)) * this.width, (TOP + 0.03 + (BOTTOM - TOP - 0.06) * hash(call, 2)) * this.height];
  }
  middle(lane) { return (TOP + ((BOTTOM - TOP) * (lane + 0.5)) / this.table.lanes.length) * this.height; }
  gate(row) { return [GATE * this.width, this.middle(this.table.lane[row]) + (hash(this.table.call[row], 3) - 0.5) * 0.5 * (BOTTOM - TOP) * this.height / this.table.lanes.length]; }
  queued(lane, place) {
    const high = ((BOTTOM - TOP) * this.height) / this.table.lanes.length;
    const x = PLACES.queue[1] * this.width - (Math.floor(place / this.lines) + 0.6) * this.pitch;
    return [Math.max(PLACES.queue[0] * this.width + 2, x), TOP * this.height + lane * high + ((place % this.lines) + 0.5) * (high / this.lines)];
  }
  worker(lane, slot) {
    const { size, lines } = this.workers[lane], high = ((BOTTOM - TOP) * this.height) / this.table.lanes.length;
    const x = PLACES.workers[0] * this.width + (Math.floor(slot / lines) + 0.6) * size;
    return [Math.min(PLACES.workers[1] * this.width - 2, x), TOP * this.height + lane * high + ((slot % lines) + 0.5) * (high / lines)];
  }

  rowsAt(at, linger) {
    // The rows that there is something to see of: kept as time goes on, looked for anew when it goes back.
    const { table } = this;
    if (at < this.seen) { this.active = []; this.next = 0; }
    while (this.next < table.rows && table.born[this.next] <= at) {
      if (table.call[this.next] % table.every === 0) this.active.push(this.next);
      this.next++;
    }
    this.seen = at;
    this.active = this.active.filter((row) => table.end[row] + linger > at);
    return this.active;
  }

  draw(at) {
    const { table, pen, player } = this, calm = player.calm;
    if (!pen) return; // the page has not said yet how wide it is
    const most = calm || !player.playing ? 0 : GLIDE * player.speed, linger = LINGER * player.speed;
    const { born, sent, arrived, started, left, settled, next, doubled, status, copy, attempt, ending } = table;
    const rows = this.rowsAt(at, linger), followed = player.followed;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.drawImage(this.scenery, 0, 0);
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const drawn = { waiting: 0, network: 0, lost: 0, queue: 0, workers: 0, back: 0 };
    const hit = this.hit;
    hit.x.length = hit.y.length = hit.row.length = 0;
    let lastName = "", image = null, half = 0, alpha = 1;
    const dot = (name, x, y, row, opacity = 1) => {
      if (name !== lastName) { image = this.sprites[name]; half = image.half; lastName = name; }
      if (opacity !== alpha) { pen.globalAlpha = opacity; alpha = opacity; }
      pen.drawImage(image, x - half, y - half, 2 * half, 2 * half);
      hit.x.push(x); hit.y.push(y); hit.row.push(row);
    };
    // Those in the queue stand in the order in which they came.
    const ranks = [];
    for (const row of rows) if (arrived[row] <= at && at < Math.min(started[row], left[row])) ranks.push(table.rank[row]);
    ranks.sort((a, b) => a - b);
    const before = new Array(table.lanes.length).fill(0), places = new Map();
    for (const rank of ranks) { const row = table.byArrival[rank]; places.set(row, before[table.lane[row]]++); }
    const mix = (a, b, p) => [a[0] + (b[0] - a[0]) * p, a[1] + (b[1] - a[1]) * p];
    for (const row of rows) {
      const lane = table.lane[row], home = this.home(row), quiet = status[row] !== status[row];
      // With the client: before it is sent, after it gave up, and until it tries again.
      if (born[row] <= at && at < sent[row]) { dot("waiting", home[0], home[1], row); drawn.waiting++; continue; }
      if (settled[row] <= at) {
        if (at < next[row]) { dot("waiting", home[0], home[1], row); drawn.waiting++; }
        if (quiet && at < settled[row] + linger && !copy[row]) dot("timed_out", home[0], home[1], row);
      }
      const seen = doubled[row] <= at || copy[row] === 1 ? "duplicate" : quiet && settled[row] <= at ? "zombie" : attempt[row] > 1 ? "retry" : "flight";
      if (arrived[row] === INF) {
        if (at < settled[row]) {
          const p = Math.min(1, (at - sent[row]) / (linger || 1e-9)), [x, y] = mix(home, this.gate(row), 0.55 * p);
          dot(p < 1 ? seen : "lost", x, y, row);
          drawn.lost++;
        }
        continue;
      }
      if (at < arrived[row]) {
        const [x, y] = mix(home, this.gate(row), (at - sent[row]) / (arrived[row] - sent[row]));
        dot(seen, x, y, row);
        drawn.network++;
        continue;
      }
      const begins = Math.min(started[row], left[row]);
      if (at < begins) {
        let spot = this.queued(lane, places.get(row) ?? 0);
        const glide = Math.min(most, 0.5 * (begins - arrived[row])); // what stands still is where it is, to the pixel
        if (at - arrived[row] < glide) spot = mix(arrived[row] > sent[row] ? this.gate(row) : home, spot, ease((at - arrived[row]) / glide));
        dot(seen, spot[0], spot[1], row);
        drawn.queue++;
        continue;
      }
      const place = started[row] < INF ? this.worker(lane, table.slot[row]) : this.gate(row);
      if (at < left[row]) {
        let spot = place;
        const glide = Math.min(most, 0.5 * (left[row] - started[row]));
        if (at - started[row] < glide) {
          const from = arrived[row] < started[row] ? this.queued(lane, 0) : arrived[row] > sent[row] ? this.gate(row) : home;
          spot = mix(from, place, ease((at - started[row]) / glide));
        }
        dot(seen, spot[0], spot[1], row);
        drawn.workers++;
      }
      // The answer on its way: to a client that waits for it, or to nobody.
      if (!quiet && settled[row] < INF) {
        const from = Math.min(left[row], settled[row]), to = settled[row] + linger;
        if (from <= at && at < to) {
          const p = (at - from) / (to - from), [x, y] = mix(place, home, p);
          const look = ENDING[ending[row]];
          dot(look, x, y + Math.sin(Math.PI * p) * 0.18 * this.height * (hash(table.call[row], 4) - 0.2), row, at >= settled[row] ? 1 - 0.5 * p : 1);
          if (at < settled[row]) drawn.back++;
        }
      } else if (left[row] <= at && at < left[row] + linger) {
        const p = (at - left[row]) / linger, [x, y] = mix(place, home, 0.5 * p);
        dot(table.late(row) ? "zombie" : "lost", x, y, row, 1 - p);
      }
    }
    pen.globalAlpha = 1;
    if (followed >= 0) {
      pen.strokeStyle = player.ink; pen.lineWidth = 2;
      for (let i = 0; i < hit.row.length; i++) if (table.call[hit.row[i]] === followed) { pen.beginPath(); pen.arc(hit.x[i], hit.y[i], this.radius + 5, 0, 7); pen.stroke(); }
    }
    this.drawn = drawn;
  }

  tell(at) {
    // The numbers, and for those who cannot see the dots the same in words.
    const { table } = this;
    for (const [name, label] of Object.entries(this.labels)) {
      const text = table.count(name, at) + (name === "network" ? table.count("lost", at) : 0);
      label.textContent = text.toLocaleString("en-US");
    }
    const faults = table.faults.filter(([, start, end]) => start <= at && at < end).map(([name]) => name);
    this.fault.textContent = faults.length ? `⚠ ${[...new Set(faults)].join(", ")}` : "";
    if (table.breakers.of) this.fault.textContent += ` ${this.breakerWords(at)}`;
    this.cursor.style.left = `${(100 * at) / this.player.seconds}%`;
    if (this.player.playing) return; // what is read aloud stands still
    this.canvas.dataset.drawn = JSON.stringify(this.drawn);
    this.canvas.ariaLabel = this.words(at);
  }

  breakerWords(at) {
    const { breakers } = this.table, step = upTo(breakers.at, at) - 1, open = step < 0 ? 0 : breakers.open[step], half = step < 0 ? 0 : breakers.half[step];
    if (breakers.of === 1) return `breaker ${open ? "open" : half ? "half-open" : "closed"}`;
    return `breakers: ${open} of ${breakers.of} open${half ? `, ${half} half-open` : ""}`;
  }

  words(at) {
    const { table } = this, n = (name) => table.count(name, at);
    const places = ["network", "queue", "workers"].map((name) => `${n(name) + (name === "network" ? n("lost") : 0)} ${table.stations[name]}`);
    const ends = Object.keys(NAMES).filter((name) => n(name)).map((name) => `${n(name)} ${NAMES[name]}`);
    return `${table.title} at ${seconds(at)}: ${[`${n("waiting")} waiting`, ...places, ...ends].join(", ")}`;
  }

  drawChart(key, highest) {
    const { table, player, ratio } = this, width = this.charts.clientWidth || this.width, has = table.breakers.of > 0;
    const height = CHART + (has ? 16 : 0);
    this.chart.width = width * ratio; this.chart.height = height * ratio;
    this.chart.style.height = `${height}px`;
    const pen = this.chart.getContext("2d");
    pen.scale(ratio, ratio);
    const x = (at) => (at / player.seconds) * width;
    pen.fillStyle = player.ink;
    pen.globalAlpha = 0.12;
    for (const [, start, end] of table.faults) pen.fillRect(x(start), 0, Math.max(1, x(Math.min(end, player.seconds)) - x(start)), CHART);
    pen.globalAlpha = 1;
    // The highest and the lowest level within each pixel, so that no spike is lost.
    const { comes, goes } = table.levels[key];
    pen.fillStyle = table.colour === "#000000" ? player.ink : table.colour;
    let i = 0, j = 0, level = 0;
    for (let pixel = 0; pixel < width; pixel++) {
      const end = ((pixel + 1) / width) * player.seconds;
      let top = level;
      while ((i < comes.length && comes[i] < end) || (j < goes.length && goes[j] < end)) {
        if (j < goes.length && !(comes[i] < goes[j])) { level--; j++; } else { level++; i++; }
        top = Math.max(top, level);
      }
      const high = (top / highest) * (CHART - 12);
      pen.globalAlpha = 0.35; pen.fillRect(pixel, CHART - high, 1, high);
      pen.globalAlpha = 1; if (top) pen.fillRect(pixel, CHART - high, 1, 1.5);
    }
    pen.fillRect(0, CHART, width, 1);
    if (has) {
      const { breakers } = table;
      breakers.at.forEach((at, step) => {
        const until = step + 1 < breakers.at.length ? breakers.at[step + 1] : player.seconds, wide = Math.max(0.5, x(until) - x(at));
        const open = (12 * breakers.open[step]) / breakers.of, half = (12 * breakers.half[step]) / breakers.of;
        pen.fillStyle = "#D55E00"; pen.fillRect(x(at), height - open, wide, open);
        pen.fillStyle = "#E69F00"; pen.fillRect(x(at), height - open - half, wide, half);
      });
    }
    this.levelName.textContent = `${key === "waiting" ? "waiting" : key === "queue" ? "queue" : table.stations[key]}, at most ${highest.toLocaleString("en-US")}` + (has ? " · breakers open below" : "");
    this.chart.ariaLabel = `${table.title}: ${this.levelName.textContent}, over ${seconds(player.seconds)}`;
  }

  scrub(event) {
    const box = this.charts.getBoundingClientRect();
    this.player.goTo(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * this.player.seconds, true);
  }

  pick(event) {
    const box = this.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let nearest = -1, least = 15 * 15;
    for (let i = 0; i < this.hit.row.length; i++) {
      const far = (this.hit.x[i] - x) ** 2 + (this.hit.y[i] - y) ** 2;
      if (far < least) { least = far; nearest = this.hit.row[i]; }
    }
    this.player.follow(nearest < 0 ? -1 : this.table.call[nearest]);
  }

  showSequence(call) {
    const { table } = this, rows = call < 0 ? [] : table.rowsOf(call);
    this.sequence.replaceChildren();
    if (call < 0) return;
    if (!rows.length) { this.sequence.append(element("p", { className: "note", text: `call ${call} sent nothing here` })); return; }
    const events = rows.flatMap((row) => table.story(row).map(([at, words, side]) => ({ at, words, side, row })));
    events.sort((a, b) => a.at - b.at);
    const line = 17, height = events.length * line + 26, svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const add = (tag, attributes, text) => { const made = document.createElementNS(svg.namespaceURI, tag); for (const [k, v] of Object.entries(attributes)) made.setAttribute(k, v); if (text) made.textContent = text; svg.append(made); return made; };
    svg.setAttribute("viewBox", `0 0 450 ${height}`); svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `call ${call} with ${table.title}: ` + events.map((e) => `${seconds(e.at)} attempt ${table.attempt[e.row]} ${e.words}`).join("; "));
    const y = (event) => 26 + events.indexOf(event) * line + 6, sides = [165, 285];
    add("text", { x: 165, y: 12, class: "name", "text-anchor": "middle" }, table.stations.waiting === "platform" ? "platform" : "client");
    add("text", { x: 285, y: 12, class: "name", "text-anchor": "middle" }, table.lanes[table.lane[rows[0]]] || "server");
    for (const x of sides) add("line", { x1: x, x2: x, y1: 18, y2: height, class: "life" });
    for (const row of rows) {
      const mine = events.filter((event) => event.row === row), find = (words) => mine.find((event) => event.words.startsWith(words));
      const sent = find("sent"), came = find("reaches"), end = find("work ends") || find("turned"), saw = find("sees") || find("is refused"), gone = find("stops"), died = find("dies");
      if (sent && came) add("line", { x1: 165, y1: y(sent), x2: 283, y2: y(came), class: "arrow" });
      else if (sent) { add("line", { x1: 165, y1: y(sent), x2: 220, y2: y(sent) + 7, class: "gone" }); add("text", { x: 223, y: y(sent) + 11, class: "bad" }, "✕ lost"); }
      if (end && saw) add("line", { x1: 285, y1: y(end), x2: 167, y2: y(saw), class: table.ending[row] === 1 ? "good" : "badline" });
      else if (end) { add("line", { x1: 285, y1: y(end), x2: 230, y2: y(end) + 7, class: "gone" }); }
      const work = find("work begins");
      if (work && (end || died)) add("rect", { x: 282, y: y(work), width: 6, height: Math.max(2, y(end || died) - y(work)), class: "work" });
      if (died) add("text", { x: 285, y: y(died) + 4, class: "bad", "text-anchor": "middle" }, "✕");
      if (gone) add("text", { x: 165, y: y(gone) + 4, class: "bad", "text-anchor": "middle" }, "✕");
    }
    for (const event of events) add("text", { x: event.side ? 293 : 157, y: y(event) + 4, class: "event", "text-anchor": event.side ? "start" : "end", "data-at": event.at }, event.side ? `${event.words}, ${event.at.toFixed(3)}` : `${event.at.toFixed(3)}, ${event.words}`);
    this.sequence.append(element("h6", { text: `Call ${call}, time in s downwards` }), svg);
    this.passed(this.player.at);
  }

  passed(at) {
    for (const text of this.sequence.querySelectorAll("[data-at]")) text.classList.toggle("future", Number(text.dataset.at) > at);
  }
}

// ---------------------------------------------------------------- the clock and its controls

class Player {
  constructor(model, el) {
    this.model = model; this.root = element("div", { className: "sim-player", role: "group", ariaLabel: "player of a run" });
    this.root.setAttribute("data-lm-suppress-shortcuts", "true");
    this.root.player = this;
    this.took = []; // milliseconds that each frame of a play took, the last thousand, for those who measure
    this.playing = false;
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)");
    const button = (sign, label, press) => { const made = element("button", { type: "button", ariaLabel: label, title: label, onclick: press }); icon(made, sign); return made; };
    this.toggle = button("play", "play", () => (this.playing ? this.pause() : this.play()));
    this.toggle.className = "play";
    this.back = button("back", "back to the previous event", () => this.step(false));
    this.forward = button("forward", "on to the next event", () => this.step(true));
    this.slider = element("input", { type: "range", min: 0, step: "any", ariaLabel: "instant of the run", className: "scrub" });
    this.slider.oninput = () => this.goTo(Number(this.slider.value), true);
    this.slider.onkeydown = (event) => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (by) { event.preventDefault(); this.goTo(this.at + (by * this.seconds) / 200, true); }
    };
    this.clock = element("span", { className: "clock" });
    this.pace = element("select", { ariaLabel: "speed", onchange: () => this.setSpeed(Number(this.pace.value)) });
    this.asked = element("input", { type: "number", min: 0, step: 1, ariaLabel: "follow a call, by its number", placeholder: "call" });
    this.asked.onchange = () => this.follow(this.asked.value === "" ? -1 : Math.max(0, Math.trunc(Number(this.asked.value))));
    this.clear = button("clear", "follow no call", () => this.follow(-1));
    this.said = element("p", { className: "said", role: "status" });
    this.stagesBox = element("div", { className: "stages" });
    this.root.append(this.stagesBox,
      element("div", { className: "controls" }, this.toggle, this.back, this.forward, this.slider, this.clock,
        element("label", {}, "speed ", this.pace), element("span", { className: "following" }, element("label", {}, "follow ", this.asked), this.clear)), this.said);
    el.append(this.root);
    this.listen();
    this.read();
    this.begin();
  }

  listen() {
    const { model } = this, on = (event, act) => { model.on(event, act); this.off.push(() => model.off(event, act)); };
    this.off = [];
    on("change:scenes", () => this.read());
    on("change:at", () => { if (!this.playing && Math.abs(model.get("at") - this.at) > 1e-12) this.goTo(model.get("at")); });
    on("change:speed", () => this.setSpeed(model.get("speed"), true));
    on("change:followed", () => this.follow(model.get("followed"), true));
    on("change:begun", () => this.begin());
    this.resizing = new ResizeObserver(() => this.resized());
    this.resizing.observe(this.root);
    this.theming = new MutationObserver(() => this.resized(true));
    this.theming.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-theme", "class"] });
    this.scheme = window.matchMedia("(prefers-color-scheme: dark)");
    const repaint = () => this.resized(true);
    this.scheme.addEventListener("change", repaint);
    this.off.push(() => this.scheme.removeEventListener("change", repaint));
  }

  stop() { this.pause(); this.resizing.disconnect(); this.theming.disconnect(); for (const off of this.off) off(); }

  get calm() { return this.still.matches; }

  read() {
    const at = this.model.get("at");
    this.tables = this.model.get("scenes").map((packed) => new Table(packed));
    this.seconds = Math.max(1e-9, ...this.tables.map((table) => table.seconds));
    this.stages = this.tables.map((table) => new Stage(table, this));
    this.stagesBox.replaceChildren(...this.stages.map((stage) => stage.root));
    this.slider.max = this.seconds;
    this.followed = this.model.get("followed");
    this.at = Math.min(this.playing ? this.at : at, this.seconds);
    this.setSpeed(this.model.get("speed"), true);
    for (const stage of this.stages) stage.showSequence(this.followed);
    this.resized(true);
  }

  resized(force = false) {
    const width = this.root.clientWidth;
    if (!width || !this.stages || (!force && width === this.laidOut)) return;
    this.laidOut = width;
    const colours = getComputedStyle(this.root), ground = (colours.backgroundColor.match(/[\d.]+/g) || [255, 255, 255]).map(Number);
    this.ink = colours.color; this.line = colours.borderTopColor;
    this.look = looks(0.3 * ground[0] + 0.6 * ground[1] + 0.1 * ground[2] < 128);
    this.stagesBox.classList.toggle("beside", width >= BESIDE && this.stages.length > 1);
    const key = ["queue", "waiting", "workers"].find((name) => this.tables.some((table) => table.total(name) && this.highest(table, name) > 1)) || "workers";
    const highest = Math.max(1, ...this.tables.map((table) => this.highest(table, key)));
    for (const stage of this.stages) { stage.measure(); stage.drawChart(key, highest); }
    this.show();
  }

  highest(table, name) {
    const { comes, goes } = table.levels[name];
    let level = 0, most = 0;
    for (let i = 0, j = 0; i < comes.length; i++) { while (j < goes.length && goes[j] <= comes[i]) { level--; j++; } most = Math.max(most, ++level); }
    return most;
  }

  setSpeed(speed, quiet = false) {
    this.speed = speed > 0 ? speed : 1;
    const near = SPEEDS.filter((one) => one >= this.speed / 60 && one <= this.speed * 60);
    const known = near.includes(this.speed) ? near : [...near, this.speed].sort((a, b) => a - b);
    this.pace.replaceChildren(...known.map((one) => element("option", { value: one, text: `${one >= 1 ? one.toLocaleString("en-US") : one} s a second`, selected: one === this.speed })));
    if (!quiet) this.save({ speed: this.speed });
    if (!this.playing && this.laidOut) this.show();
  }

  save(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  show() {
    for (const stage of this.stages) { stage.draw(this.at); stage.tell(this.at); stage.passed(this.at); }
    this.slider.value = this.at;
    this.slider.setAttribute("aria-valuetext", seconds(this.at));
    this.clock.textContent = `${seconds(this.at)} of ${seconds(this.seconds)}`;
  }

  goTo(at, byHand = false) {
    this.at = Math.max(0, Math.min(this.seconds, at));
    this.show();
    if (!byHand) return;
    clearTimeout(this.later);
    this.later = setTimeout(() => { this.save({ at: this.at }); if (!this.playing) this.say(this.stages.map((stage) => stage.words(this.at)).join(". ")); }, 250);
  }

  begin() {
    // Asked for in Python; a page that draws the same player once more does not begin once more.
    const begun = this.model.get("begun");
    if (!begun || this.model.begun === begun) return;
    this.model.begun = begun;
    this.at = 0;
    if (this.calm) { if (this.laidOut) this.show(); return; }
    if (!this.playing) this.play();
  }

  play() {
    if (this.at >= this.seconds) this.at = 0;
    this.playing = true;
    icon(this.toggle, "pause"); this.toggle.ariaLabel = this.toggle.title = "pause";
    this.say("");
    let last = performance.now(), told = 0;
    const frame = (now) => {
      if (!this.playing) return;
      const begun = performance.now(), passed = Math.min(100, now - last);
      // Less motion is asked for: twice a second a still picture, and nothing glides.
      if (this.calm && now - last < 500) { this.frame = requestAnimationFrame(frame); return; }
      this.at = Math.min(this.seconds, this.at + ((this.calm ? now - last : passed) / 1000) * this.speed);
      last = now;
      for (const stage of this.stages) stage.draw(this.at);
      if (now - told > 90) { told = now; this.show(); }
      else for (const stage of this.stages) stage.cursor.style.left = `${(100 * this.at) / this.seconds}%`;
      if (this.took.push(performance.now() - begun) > 1000) this.took.shift();
      if (this.at >= this.seconds) { this.pause(); return; }
      this.frame = requestAnimationFrame(frame);
    };
    this.frame = requestAnimationFrame(frame);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    cancelAnimationFrame(this.frame);
    icon(this.toggle, "play"); this.toggle.ariaLabel = this.toggle.title = "play";
    this.show();
    this.save({ at: this.at });
    this.say(this.stages.map((stage) => stage.words(this.at)).join(". "));
  }

  step(forward) {
    this.pause();
    const instants = this.tables.map((table) => table.neighbour(this.at, forward));
    const at = forward ? Math.min(...instants) : Math.max(...instants);
    if (!Number.isFinite(at) || at < 0) { this.say(forward ? "nothing happens any more" : "nothing has happened before"); return; }
    this.at = at;
    this.show();
    this.save({ at });
    const told = this.tables.map((table) => [table.title, table.happenings(at)]).filter(([, words]) => words);
    this.say(`${seconds(at)}: ${told.map(([title, words]) => (this.tables.length > 1 ? `${title}: ${words}` : words)).join(". ")}`);
  }

  follow(call, quiet = false) {
    this.followed = call;
    this.asked.value = call < 0 ? "" : call;
    for (const stage of this.stages) stage.showSequence(call);
    this.resized(true); // the diagram takes its room from the scene
    if (!quiet) { this.save({ followed: call }); this.say(call < 0 ? "no call is followed" : `call ${call} is followed`); }
  }

  say(words) { this.said.textContent = words; }
}

export default {
  render({ model, el }) {
    const player = new Player(model, el);
    return () => player.stop();
  },
};
