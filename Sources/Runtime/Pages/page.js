// What the pages share; it stands at the top of each page's own script. Data reach a page as text, never as markup.
// Charts are drawn at the width they have on the page, and again when that or the colour scheme changes, so that text
// keeps its size.

// ---- elements, numbers, words ----

const main = document.querySelector("main"), spoken = document.getElementById("spoken");

const maker = (create) => (name, attributes, ...children) => {
  const node = create(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key === "style") node.style.cssText = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value || value === 0) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child || child === 0));
  return node;
};
const el = maker((name) => document.createElement(name));
const svg = maker((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
const set = (node, attributes) => Object.entries(attributes).forEach((pair) => node.setAttribute(...pair));

const isNumber = Number.isFinite, list = (value) => value ?? [];
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
/** Formats numbers only; anything else is a dash. */
const orDash = (format) => (value, ...more) => (isNumber(value) ? format(value, ...more).replace("-", "−") : "–");
const whole = orDash((value) => Math.round(value).toLocaleString("en-US"));
const percent = orDash((value, digits = 1) => (100 * value).toFixed(digits) + "%");
/** A difference of two shares in percentage points, with its sign. */
const points = orDash((value, digits = 1) => {
  const text = Math.abs(100 * value).toFixed(digits);
  return (Number(text) === 0 ? "±" : value > 0 ? "+" : "−") + text;
});
/** Three concise digits, with a power of ten where that is shorter. */
const concise = orDash((value, trim = true) => {
  const digits = { maximumSignificantDigits: 3, minimumSignificantDigits: trim ? 1 : 3 }, size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e6)) return value.toLocaleString("en-US", digits);
  const power = Math.floor(Math.log10(size)), raised = String(power).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
  return `${(value / 10 ** power).toLocaleString("en-US", digits)}×10${raised}`;
});
const share = orDash((value, trim) => (value === 0 || value >= 1e-5 ? concise(100 * value, trim) + "%" : concise(value, trim)));
const plural = (count, word, words = word + "s") => `${whole(count)} ${count === 1 ? word : words}`;
const change = (before, after) => (isNumber(before) && isNumber(after) ? after - before : null);
const look = (change) => (Math.abs(change) < 5e-5 ? "" : change > 0 ? "up" : "down");
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// ---- metrics and objectives ----

/** Metrics of a split by their name in reports, in words. */
const metricNames = (groups) => ({ accuracy: "accuracy", meanRecall: "mean recall", minRecall: "worst-class recall", gMean: "geometric mean of recalls",
  hMean: "harmonic mean of recalls", headRecall: "head recall", tailRecall: "tail recall", minCoverage: "smallest coverage",
  ...(groups && { worstGroupRecall: "worst group's recall", groupRecallGap: "gap between groups" }) });
/** An even part of all predictions is 1/K, so coverage needs more digits where there are more classes. */
const digitsFor = (K) => (key) => (key === "minCoverage" ? Math.max(1, Math.ceil(Math.log10(K))) : 1);
/** An objective in terms of metrics: the lowest of `keys`, perhaps under a constraint; `goal` says it in words. */
function describe(objective, metrics) {
  const base = objective.replace(/-(head-tail-)?coverage$/, "");
  const keys = { "mean-recall": ["meanRecall"], "min-recall": ["minRecall"], "g-mean": ["gMean"], "h-mean": ["hMean"],
    "min-head-tail-recall": ["headRecall", "tailRecall"], "worst-group-recall": ["worstGroupRecall"] }[base] ?? [];
  return { keys, constraint: objective === base + "-coverage" ? "minCoverage" : null,
    goal: keys.length === 1 ? metrics[keys[0]] : keys.length ? "the lower of head and tail recall" : objective };
}

// ---- drawing ----

let printing = false;
const paints = [], scheme = matchMedia("(prefers-color-scheme: dark)");
/** Runs `paint(width)` whenever something must be drawn again; returns a function that does so now. */
function draw(host, paint) {
  const now = () => host.clientWidth && paint(host.clientWidth);
  paints.push(now);
  return now;
}
const repaint = () => paints.forEach((paint) => paint());
function setPrinting(on) {
  printing = on;
  document.documentElement.classList.toggle("printing", on);
  repaint();
}
scheme.addEventListener("change", repaint);
addEventListener("beforeprint", () => setPrinting(true));
addEventListener("afterprint", () => setPrinting(false));

const image = (width, height, title, about, ...marks) => svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" },
  svg("title", {}, title), svg("desc", {}, about), ...marks);
const INK = "var(--ink)", BEFORE = "var(--before)", AFTER = "var(--after)", dashed = { "stroke-dasharray": "3 3" };
const write = (x, y, text, anchor = "middle", more) => svg("text", { x, y, "text-anchor": anchor, ...more }, text);
const line = (x1, y1, x2, y2, stroke = "var(--rule)", more) => svg("line", { x1, y1, x2, y2, stroke, "shape-rendering": "crispEdges", ...more });
const dot = (cx, cy, r, fill, stroke) => svg("circle", { cx, cy, r, fill, stroke, "stroke-width": 2 });
const path = (d, { color, width = 2, dash, opacity }) => svg("path", { d, opacity, fill: "none", stroke: color, "stroke-width": width,
  "stroke-dasharray": dash, "stroke-linejoin": "round", "stroke-linecap": "round" });
const swatch = (mark) => svg("svg", { width: 26, height: 12, "aria-hidden": "true" }, mark);

/** A round number, about a `count`-th of `range`. */
function stepFor(range, count) {
  const raw = range / count, unit = 10 ** Math.floor(Math.log10(raw));
  return unit * [1, 2, 5, 10].find((factor) => factor * unit >= raw * 0.999);
}
/** The multiples of `step` from `low` to `high`. */
function ticks(low, high, step) {
  const found = [];
  for (let i = Math.ceil(low / step - 1e-6); i * step <= high + step * 1e-6; i++) found.push(i * step || 0);
  return found;
}
/** Whole multiples of a step from `low` to `high`, about `count` of them, and `low` itself. */
function ranks(low, high, count) {
  const step = Math.max(1, stepFor(high - low || 1, count)), found = ticks(low, high, step);
  return found[0] - low > step / 2 ? [low, ...found] : found;
}
/** An axis [low, high, step] that holds the values and ends on ticks, within bounds. */
function extent(values, count, floor = -Infinity, ceiling = Infinity) {
  const low = Math.min(...values), high = Math.max(...values), step = stepFor(high - low || Math.abs(high) * 0.2 || 0.1, count);
  return [Math.max(floor, Math.floor(low / step - 0.01) * step), Math.min(ceiling, Math.ceil(high / step + 0.01) * step), step];
}

const usage = "Point here, or focus it and use the arrow keys.";
/**
 * A region over a chart that takes the pointer (`at`, in parts of its size) and the arrow keys (`move`); both read out.
 * `pick`, where there is one, is called for a click or the Enter key.
 */
function cursor(label, at, move, leave, pick) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    PageUp: [0, -10], PageDown: [0, 10], Home: [-1e9, 0], End: [1e9, 0] };
  const point = (event) => {
    const box = region.getBoundingClientRect();
    at((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  const region = el("div", { class: "cursor", tabindex: "0", role: "application", "aria-label": `${label}. Arrow keys read the values.`,
    onpointermove: point, onpointerdown: point, onblur: leave, onclick: pick,
    onpointerleave: () => document.activeElement !== region && leave(),
    onkeydown: (event) => {
      if (pick && event.key === "Enter") return pick();
      if (!steps[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      spoken.textContent = move(...steps[event.key]);
    } });
  return region;
}
const place = (node, left, top, width, height) =>
  (node.style.cssText = `left: ${left}px; top: ${top}px; width: ${width}px; height: ${height}px`);

/**
 * A chart of y over whole numbers x, with a read-out. `spec()` is asked at every painting for {title, about,
 * x: [low, high], y: [low, high, step], xName, xTick2, yTick, series, mark, tail, read}.
 */
function plot(host, height, spec, hint = usage) {
  let s = spec(), at = null, needle = null, px = null;
  const show = (x) => {
    at = x === null ? null : Math.max(s.x[0], Math.min(s.x[1], Math.round(x)));
    set(needle, { transform: `translate(${at === null ? -1e4 : px(at)})` });
    return (readout.textContent = at === null ? hint : s.read(at));
  };
  const region = cursor(s.title, (x) => show(s.x[0] + x * (s.x[1] - s.x[0])),
    (dx, dy) => show((at ?? s.mark?.x ?? s.x[0]) + dx - dy), () => show(null));
  const chart = el("div", { class: "chart" }, svg("svg"), region), readout = el("p", { class: "readout" }, hint);
  host.append(chart, readout);
  return draw(chart, (width) => {
    s = spec();
    const left = 50, right = width - 14, top = s.mark || s.tail ? 24 : 10, bottom = height - (s.xTick2 ? 56 : 42), marks = [];
    px = (x) => left + (right - left) * (s.x[1] > s.x[0] ? (x - s.x[0]) / (s.x[1] - s.x[0]) : 0.5);
    const py = (y) => bottom - ((bottom - top) * (y - s.y[0])) / (s.y[1] - s.y[0]);
    for (const y of ticks(...s.y)) {
      marks.push(line(left, py(y), right, py(y), "var(--grid)"), write(left - 8, py(y) + 4, s.yTick(y), "end"));
    }
    for (const x of ranks(...s.x, (right - left) / 60)) {
      marks.push(line(px(x), bottom, px(x), bottom + 5), write(px(x), bottom + 19, whole(x)));
      if (s.xTick2) marks.push(write(px(x), bottom + 34, s.xTick2(x)));
    }
    marks.push(line(left, bottom, right, bottom), write((left + right) / 2, height - 4, s.xName));
    if (s.tail) {
      const x = px(s.tail);
      marks.push(line(x, top - 14, x, bottom, "var(--soft)", dashed), write(x - 6, top - 8, "head", "end"), write(x + 6, top - 8, "tail", "start"));
    }
    for (const series of s.series) {
      let d = "", down = false;
      for (const [x, y] of series.points) {
        if (isNumber(y)) d += `${down ? "L" : "M"}${px(x).toFixed(1)} ${py(y).toFixed(1)}${down ? "" : "h0"}`;
        down = isNumber(y) && !series.dots;
      }
      marks.push(path(d, series));
    }
    if (s.mark) {
      const x = px(s.mark.x), part = (x - left) / (right - left);
      marks.push(line(x, top - 6, x, bottom, AFTER, dashed), dot(x, py(s.mark.y), 5, AFTER, "var(--paper)"),
        write(x, top - 11, s.mark.text, part > 0.7 ? "end" : part < 0.3 ? "start" : "middle", { fill: INK, "font-weight": 600 }));
    }
    needle = line(0, top, 0, bottom, INK);
    chart.firstChild.replaceWith(image(width, height, s.title, s.about, marks, needle));
    place(region, left, top, right - left, bottom - top);
    show(at);
  });
}

/** A cell is text, or {text, look}; a row is an array of cells, or {cells, goal: true}. */
function table(caption, titles, rows) {
  return el("table", {}, caption && el("caption", {}, caption),
    el("thead", {}, el("tr", {}, titles.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows.map((row) => el("tr", { class: row.goal && "goal" }, (row.cells ?? row).map((cell, i) =>
      i ? el("td", { class: cell.look }, cell.text ?? cell) : el("th", { scope: "row" }, cell))))));
}
/** Before, after and their difference, as three cells. */
const compared = (before, after, digits) => {
  const moved = change(before, after);
  return [percent(before, digits), percent(after, digits), { text: points(moved, digits), look: look(moved) }];
};
const comparedMetric = (split, key) => compared(report.before[split][key], report.after[split][key], digitsOf(key));
const columns = ["Before", "After", "Change"];
/** A table made anew whenever it is opened. */
function numbers(summary, titles, rows) {
  const box = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": summary });
  return el("details", { ontoggle: (event) => event.target.open && box.replaceChildren(table(null, titles, rows())) }, el("summary", {}, summary), box);
}
/** Entries are {name, mark, on, pick(checked)}. */
const choices = (type, legend, entries) => el("fieldset", { class: "key" }, el("legend", { class: "hidden" }, legend), entries.map((entry) =>
  el("label", {}, el("input", { type, name: legend, checked: entry.on && "checked", onchange: (event) => entry.pick(event.target.checked) }),
    entry.mark && swatch(entry.mark), entry.name)));
const grid = (least, printed, ...children) => el("div", { class: "grid", style: `--least: ${least}rem; --printed: ${printed}` }, ...children);
const soft = (...text) => el("p", { class: "soft" }, ...text);
const section = (title, ...children) => main.append(el("section", { "aria-label": title }, el("h2", {}, title), ...children));

// ---- a run by round ----

/**
 * Objective and metrics by round as a chart, small charts and numbers. `rounds()` is the history so far, `best()` the round
 * with the best objective, `last()` where the axis ends. Returns the nodes and a function that paints them again.
 */
function byRound({ rounds, best, last, metrics, objective, digitsOf }) {
  const { keys, constraint, goal } = describe(objective, metrics), hues = [28, 160, 285, 335, 188, 48, 0, 250, 100, 210];
  const all = [{ key: "objective", name: `Objective: ${goal}`, color: AFTER, width: 2.5, on: true },
    ...Object.keys(metrics).filter((key) => constraint || keys.length !== 1 || key !== keys[0])
      .map((key, i) => ({ key, name: capital(metrics[key]), color: `hsl(${hues[i]} 65% var(--series))`, dash: `${2 + 2 * i} 4` }))];
  const at = (round) => rounds().find((entry) => entry.round === round), value = (entry, key) => percent(entry?.[key], digitsOf(key));
  const column = (key) => rounds().map((entry) => [entry.round, entry[key]]), x = () => [rounds()[0]?.round ?? 0, last()];
  const figure = el("figure"), small = grid(17, 3), paint = [];
  const again = () => paint.forEach((now) => now());
  paint.push(plot(figure, 320, () => {
    const on = all.filter((series) => series.on), values = on.flatMap(({ key }) => rounds().map((entry) => entry[key])).filter(isNumber);
    const y = extent(values.length ? values : [0, 1], 5, 0, 1), digits = Math.max(0, Math.ceil(-2 - Math.log10(y[2]) - 1e-9)), kept = at(best());
    return {
      title: "Objective by round", x: x(), y, xName: "round (0: the head as it was brought)", yTick: (tick) => percent(tick, digits),
      about: on.map(({ key, name }) => `${name}: ${[rounds()[0], kept, rounds().at(-1)].map((entry) => value(entry, key)).join(", ")}`).join("; ") + " (first, best, last round)",
      series: on.map((series) => ({ ...series, points: column(series.key) })).reverse(),
      mark: all[0].on && isNumber(kept?.objective) && { x: kept.round, y: kept.objective, text: `best: round ${kept.round}, ${percent(kept.objective)}` },
      read: (round) => `Round ${round}: ` + (at(round) ? on.map(({ key, name }) => `${value(at(round), key)} ${name.replace("Objective: ", "").toLowerCase()}`).join(", ") : "still to come"),
    };
  }));
  for (const [key, title] of [["loss", "Training loss"], ["largestGain", "Largest gain"], ["positivePairs", "Pairs with a positive gain"],
    ["expectedGain", "Gain that the pairs promise"], ["objectiveChange", "Change of the objective since the round before"]]) {
    const figure = el("figure", { class: "small" }, el("h3", {}, title)), known = () => column(key).map(([, y]) => y).filter(isNumber);
    small.append(figure);
    const now = plot(figure, 170, () => ({ title, x: x(), y: extent(known().length ? known() : [0, 1], 3), xName: "round", yTick: (tick) => concise(tick),
      series: [{ color: AFTER, points: column(key) }], about: `From ${concise(known()[0])} to ${concise(known().at(-1))}.`,
      read: (round) => `${concise(at(round)?.[key])} in round ${round}` }), " ");
    // What has no line yet takes no room.
    const show = () => (figure.hidden = known().length < 2);
    show();
    paint.push(() => (show(), now()));
  }
  return { again, nodes: [
    choices("checkbox", "Lines to show", all.map((series) => ({ ...series, mark: path("M1 6H25", series), pick: (on) => { series.on = on; again(); } }))),
    figure, small, numbers("Numbers of every round", ["Round", ...all.map((series) => series.name), "Loss"], () => rounds().map((entry) =>
      ({ goal: entry.round === best(), cells: [whole(entry.round), ...all.map(({ key }) => value(entry, key)), concise(entry.loss)] }))) ] };
}

// ---- recall by class ----

/** Head and tail of classes: `ranked` from the most to the least frequent in training, `counts` by class, `headEnd` in rank. */
const classList = (counts, headClasses) => {
  const ranked = counts.map((_, k) => k).sort((a, b) => counts[b] - counts[a] || a - b), headEnd = list(headClasses).length;
  return { ranked, counts, headEnd, hasTail: headEnd > 0 && headEnd < ranked.length, few: ranked.length <= 40 };
};
/** Recall before and after, a row a class; `recalls()` is [before, after, name of the split], each by class. */
function dumbbells(figure, { ranked, counts, headEnd, hasTail }, recalls) {
  const chart = el("div", { class: "chart" }), K = ranked.length;
  figure.append(chart);
  return draw(chart, (width) => {
    const [before, after, split] = recalls(), left = 138, right = width - 66, pitch = 22, top = 30, gap = hasTail ? 22 : 0;
    const bottom = top + K * pitch + gap, px = (value) => left + (right - left) * value, marks = [];
    for (const value of ticks(0, 1, width > 520 ? 0.2 : 0.5)) {
      marks.push(line(px(value), top - 4, px(value), bottom, "var(--grid)"), write(px(value), bottom + 17, percent(value, 0)));
    }
    marks.push(write(36, top - 12, "class", "end"), write(112, top - 12, "trained on", "end"), write(width, top - 12, "change", "end"),
      write((left + right) / 2, bottom + 34, `recall, ${split} split`));
    ranked.forEach((k, i) => {
      const y = top + (i + 0.5) * pitch + (i >= headEnd ? gap : 0), [b, a] = [before[k], after[k]], moved = change(b, a);
      if (hasTail && i === headEnd) marks.push(write(0, y - 18, "tail", "start"), line(28, y - 22, width, y - 22, "var(--rule)", dashed));
      marks.push(svg("g", {}, svg("title", {}, `${percent(b)} → ${percent(a)}`), write(36, y + 4, k, "end", { "font-weight": 600, fill: INK }), write(112, y + 4, whole(counts[k]), "end"),
        moved !== null && [line(px(b), y, px(a), y, "var(--soft)"), dot(px(b), y, 5, "var(--paper)", BEFORE), dot(px(a), y, moved ? 5.5 : 3, AFTER)],
        write(width, y + 4, points(moved), "end", { class: look(moved) })));
    });
    chart.replaceChildren(image(width, bottom + 40, `Recall per class before and after, ${split} split`,
      ranked.map((k) => `class ${k}: ${percent(before[k])} to ${percent(after[k])}`).join("; "), marks));
  });
}

const trends = [{ color: BEFORE, width: 3, dash: "5 6" }, { color: AFTER, width: 3 }];
/** Means over neighbours in rank, as points, and what they are means over. */
function smoothing(ranked) {
  const half = Math.max(2, Math.round(ranked.length / 40));
  return [(values) => ranked.map((_, i) =>
    [i + 1, mean(ranked.slice(Math.max(0, i - half), i + half + 1).map((k) => values[k]).filter(isNumber))]), `over ${2 * half + 1} neighbours in rank`];
}
/** A dot a class, and lines through the mean of neighbours in rank. */
function recallByRank(figure, { ranked, counts, headEnd, hasTail }, recalls) {
  const K = ranked.length, [smooth, smoothed] = smoothing(ranked);
  const raw = (values) => ranked.map((k, i) => [i + 1, values[k]]);
  return plot(figure, 360, () => {
    const [before, after, split] = recalls(), b = smooth(before), a = smooth(after);
    const dots = { dots: true, width: K > 400 ? 3 : 5, opacity: Math.max(0.1, Math.min(0.5, 260 / K)) };
    return {
      title: `Recall by frequency rank before and after, ${split} split`, x: [1, K], y: [0, 1, 0.2], tail: hasTail && headEnd + 0.5,
      xName: "frequency rank; n: training samples", xTick2: (x) => `n = ${whole(counts[ranked[x - 1]])}`, yTick: (value) => percent(value, 0),
      about: `Mean ${smoothed}. ` + [0, K >> 1, K - 1].map((i) => `Rank ${i + 1}: ${percent(b[i][1])} to ${percent(a[i][1])}.`).join(" "),
      series: [{ ...dots, color: BEFORE, points: raw(before) }, { ...dots, color: AFTER, points: raw(after) },
        { ...trends[0], points: b }, { ...trends[1], points: a }],
      read(rank) {
        const k = ranked[rank - 1];
        return `Rank ${whole(rank)}: class ${k}, ${plural(counts[k], "training sample")}, recall ${percent(before[k])} → ${percent(after[k])}; ` +
          `mean ${smoothed} ${percent(b[rank - 1][1])} → ${percent(a[rank - 1][1])}`;
      },
    };
  });
}

// ---- matrices ----

const ramps = [{ blue: ["#f3f5f7", "#82b2dd", "#0c3d75"], orange: ["#f3f5f7", "#de944c", "#6c3500"] },
  { blue: ["#1d2328", "#2d6dab", "#dcedfc"], orange: ["#1d2328", "#a5641d", "#fde6cb"] }];
/** The colour of `t` in [-1, 1] as [r, g, b]. */
function colour(t) {
  const ramp = ramps[scheme.matches && !printing ? 1 : 0][t < 0 ? "orange" : "blue"], at = Math.abs(t) * 2, i = at < 1 ? 0 : 1;
  return [1, 3, 5].map((j) => {
    const [low, high] = [ramp[i], ramp[i + 1]].map((hex) => parseInt(hex.slice(j, j + 2), 16));
    return Math.round(low + (at - i) * (high - low));
  });
}
const inkOn = ([r, g, b]) => (0.3 * r + 0.59 * g + 0.11 * b > 140 ? "#14181b" : "#fff");
/**
 * A matrix as colours, with a read-out. `spec()` is asked at every painting for {title, about, rowLabel, columnLabel, scale,
 * unit, high (the largest size a colour has), rows and columns ([first, last] position of each bin), classes (the class at each
 * position), headEnd, values}. Maps in `linked` point at the same cell; `pick(row, column)` is called for a click or Enter.
 * Returns the figure and a function that paints it again.
 */
function heatMap(spec, linked, pick) {
  let s = spec(), cell = null, outline = () => {};
  const count = () => [s.rows.length, s.columns.length];
  const low = () => (s.scale === "diverging" ? -1 : 0), toT = (value) => Math.sign(value) * Math.sqrt(Math.min(1, Math.abs(value) / s.high));
  const shares = () => low() === 0 && /fraction|probab|share/.test(s.unit), format = (value) => (shares() ? share : concise)(value);
  const nameOf = ([first, end]) => (first === end ? `class ${s.classes[first]} (rank ${whole(first + 1)})` : `ranks ${whole(first + 1)}–${whole(end + 1)}`);
  const show = (row, column) => {
    cell = row === null || row >= s.rows.length || column >= s.columns.length ? null : [row, column];
    outline();
    if (cell) readout.replaceChildren(el("b", { style: `color: ${INK}` }, format(s.values[row * s.columns.length + column])),
      ` – ${s.rowLabel}: ${nameOf(s.rows[row])}; ${s.columnLabel}: ${nameOf(s.columns[column])}`);
    else readout.textContent = usage;
  };
  linked.push(show);
  const pointAll = (row, column) => linked.forEach((show) => show(row, column));
  const within = (i, n) => Math.max(0, Math.min(n - 1, Math.floor(i)));
  const region = cursor(s.title, (x, y) => pointAll(within(y * s.rows.length, s.rows.length), within(x * s.columns.length, s.columns.length)), (dx, dy) => {
    const [row, column] = cell ?? [0, 0];
    pointAll(within(row + dy, s.rows.length), within(column + dx, s.columns.length));
    return readout.textContent;
  }, () => pointAll(null), pick && (() => cell && pick(...cell)));
  const readout = el("p", { class: "readout" }, usage), canvas = el("canvas"), context = canvas.getContext("2d");
  const chart = el("div", { class: "chart" }, canvas, svg("svg"), region);

  const again = draw(chart, (space) => {
    s = spec();
    const [down, across] = count(), least = low();
    const width = Math.min(space, 560), left = 50, top = 4, side = width - left - 8, bottom = top + side, barTop = bottom + 56, marks = [];
    const edge = (i, n) => (i * side) / n, middle = (i, n) => edge(i + 0.5, n), written = shares() && Math.max(down, across) <= 12 && side / Math.max(down, across) >= 22;
    [canvas.width, canvas.height] = [across, down];
    s.values.forEach((value, i) => {
      const row = Math.floor(i / across), column = i % across, rgb = colour(toT(value)), number = (100 * value).toFixed(s.high < 0.2 ? 1 : 0);
      context.fillStyle = `rgb(${rgb})`;
      context.fillRect(column, row, 1, 1);
      if (written && Number(number)) marks.push(write(left + middle(column, across), top + middle(row, down) + 4, number, undefined, { fill: inkOn(rgb), "font-size": 11 }));
    });

    // An axis is labelled by class where each bin is one and they are few, else by rank.
    const named = (bins) => bins.length <= 40 && bins.every(([first, end]) => first === end);
    const labels = (bins) => (named(bins) ? ticks(0, bins.length - 1, Math.ceil((18 * bins.length) / side)).map((i) => [middle(i, bins.length), s.classes[bins[i][0]]])
      : ranks(bins[0][0] + 1, bins.at(-1)[1] + 1, side / 50).map((rank) => [middle(bins.findIndex(([, end]) => end >= rank - 1), bins.length), whole(rank)]));
    for (const [at, text] of labels(s.rows)) marks.push(line(left - 5, top + at, left, top + at), write(left - 8, top + at + 4, text, "end"));
    for (const [at, text] of labels(s.columns)) marks.push(line(left + at, bottom, left + at, bottom + 5), write(left + at, bottom + 18, text));
    const by = (bins) => (named(bins) ? "" : ", by frequency rank");
    marks.push(svg("rect", { x: left - 0.5, y: top - 0.5, width: side + 1, height: side + 1, fill: "none", stroke: "var(--rule)" }),
      write(left + side / 2, bottom + 36, s.columnLabel + by(s.columns)),
      write(0, 0, s.rowLabel + by(s.rows), undefined, { transform: `translate(12 ${top + side / 2}) rotate(-90)` }));
    // Where the tail begins, if that is in sight.
    const tail = (bins) => {
      const i = bins.findIndex(([, end]) => end >= s.headEnd);
      if (!s.headEnd || i < 0 || s.headEnd <= bins[0][0]) return null;
      const [first, end] = bins[i];
      return edge(i + (s.headEnd - first) / (end - first + 1), bins.length);
    };
    const [below, beside] = [tail(s.rows), tail(s.columns)];
    if (below !== null) marks.push(line(left, top + below, left + side, top + below, INK, dashed));
    if (beside !== null) marks.push(line(left + beside, top, left + beside, bottom, INK, dashed));

    // The colour bar, with numbers where they have room.
    const slices = 64, taken = [];
    for (let i = 0; i < slices; i++) marks.push(svg("rect", { x: left + (side * i) / slices, y: barTop, width: side / slices + 0.5, height: 10,
      fill: `rgb(${colour(least + ((i + 0.5) * (1 - least)) / slices)})` }));
    const label = (value) => {
      const t = Math.sign(value) * Math.sqrt(Math.abs(value) / s.high), x = left + (side * (t - least)) / (1 - least), text = format(value), wide = 7 * text.length + 10;
      const [anchor, from] = t === 1 ? ["end", x - wide] : t === least ? ["start", x] : ["middle", x - wide / 2];
      if (t > 1 || t < least || taken.some((other) => other[0] < from + wide && from < other[1])) return;
      taken.push([from, from + wide]);
      marks.push(line(x, barTop + 10, x, barTop + 14), write(x, barTop + 27, text, anchor));
    };
    [s.high, -s.high, 0].forEach(label);
    for (let size = 10 ** Math.floor(Math.log10(s.high)); size > s.high / 1e4; size /= 10) [5, -5, 2, -2, 1, -1].forEach((factor) => label(factor * size));
    marks.push(write(left, barTop + 44, s.unit + (written ? "; cells in percent" : ""), "start"));

    const frame = svg("rect", { fill: "none", stroke: INK, "stroke-width": 2 }), most = s.values.reduce((most, value, i) => (value > s.values[most] ? i : most), 0);
    outline = () => set(frame, cell ? { width: edge(1, across), height: edge(1, down), x: left + edge(cell[1], across), y: top + edge(cell[0], down) } : { width: 0, height: 0 });
    canvas.nextSibling.replaceWith(image(width, barTop + 50, s.title, `${down} by ${across} cells. Rows: ${s.rowLabel}${by(s.rows)}; columns: ${s.columnLabel}${by(s.columns)}. ` +
      `Highest: ${format(s.values[most])}, ${nameOf(s.rows[Math.floor(most / across)])} and ${nameOf(s.columns[most % across])}.`, marks, frame));
    for (const node of [canvas, region]) place(node, left, top, side, side);
    if (cell && (cell[0] >= down || cell[1] >= across)) cell = null;
    if (cell) show(...cell);
    outline();
  });
  return { figure: el("figure", {}, el("h3", {}, s.title), s.about && soft(s.about), chart, readout), again };
}
