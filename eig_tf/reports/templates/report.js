"use strict";
const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

function makeSortable(table) {
  const headers = all("thead th", table);
  headers.forEach((header, column) => {
    const button = header.querySelector("button[data-sort]");
    if (!button) return;
    button.addEventListener("click", () => {
      const ascending = header.getAttribute("aria-sort") !== "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const value = (row) => {
        const cell = row.cells[column];
        return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
      };
      const compare = (a, b) => typeof a === "number" && typeof b === "number"
        ? a - b : String(a).localeCompare(String(b), undefined, {numeric: true});
      const body = table.tBodies[0];
      body.append(...Array.from(body.rows).sort((a, b) => compare(value(a), value(b)) * (ascending ? 1 : -1)));
    });
  });
}

// One stop of the Tab key for each row of images; the arrow keys move within it.
function makeRoving(grid) {
  const buttons = all("button.thumb", grid);
  buttons.forEach((button, place) => {
    button.tabIndex = place ? -1 : 0;
    button.addEventListener("keydown", (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      const next = step && buttons[place + step];
      if (!next) return;
      event.preventDefault();
      button.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  });
}

function startDecisions(data) {
  const num = data.counts.length, total = data.counts.reduce((sum, count) => sum + count, 0);
  const status = document.getElementById("status"), key = `eig_tf ${data.run.id} ${data.run.epochs}`;
  const fresh = () => Array.from({length: num}, () => ({name: "", merged_into: null, decision: null}));
  let entries = fresh();
  const label = (category) => entries[category].name || `${data.noun} ${category}`;
  const target = (category) => entries[category].merged_into ?? category;

  // Storage may be refused to pages that were opened from a disk.
  const stored = () => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } };
  const store = () => { try { localStorage.setItem(key, JSON.stringify(entries)); } catch { return; } };
  const saved = stored();
  if (Array.isArray(saved) && saved.length === num) entries = saved;

  all("select[data-merge]").forEach((select) => {
    for (let category = 0; category < num; category++) {
      if (category === Number(select.dataset.merge)) continue;
      const option = new Option("", category);
      option.dataset.nameOf = category;
      select.append(option);
    }
  });

  function show() {
    const counts = new Array(num).fill(0);
    data.counts.forEach((count, category) => { counts[target(category)] += count; });
    all("[data-name-of]").forEach((element) => { element.textContent = label(Number(element.dataset.nameOf)); });
    all("[data-rename]").forEach((input) => {
      const name = entries[Number(input.dataset.rename)].name;
      if (input.value !== name) input.value = name;
    });
    all("[data-merge]").forEach((select) => {
      select.value = entries[Number(select.dataset.merge)].merged_into ?? "";
      // Categories that were merged cannot take others.
      Array.from(select.options).forEach((option) => {
        option.disabled = option.value !== "" && entries[Number(option.value)].merged_into !== null;
      });
    });
    all("[data-count-of]").forEach((cell) => {
      cell.dataset.value = counts[Number(cell.dataset.countOf)];
      cell.textContent = counts[Number(cell.dataset.countOf)].toLocaleString("en");
    });
    all("[data-share-of]").forEach((cell) => {
      const share = counts[Number(cell.dataset.shareOf)] / total;
      cell.dataset.value = share;
      cell.textContent = `${(100 * share).toFixed(1)} %`;
    });
    all("[data-decision-of]").forEach((cell) => {
      const entry = entries[Number(cell.dataset.decisionOf)];
      cell.textContent = entry.merged_into === null ? entry.decision ?? "" : `merged into ${label(entry.merged_into)}`;
    });
    all("[data-category]").forEach((section) => {
      const entry = entries[Number(section.dataset.category)];
      section.classList.toggle("merged", entry.merged_into !== null);
      section.classList.toggle("rejected", entry.decision === "reject");
      all("[data-mark]", section).forEach((button) => {
        button.setAttribute("aria-pressed", entry.decision === button.dataset.mark);
      });
    });
    document.dispatchEvent(new Event("decided"));
  }
  function change(message) {
    store();
    show();
    status.textContent = message;
  }

  all("[data-rename]").forEach((input) => input.addEventListener("change", () => {
    const category = Number(input.dataset.rename);
    entries[category].name = input.value.trim();
    change(`${data.noun} ${category} is called ${label(category)}`);
  }));
  all("[data-merge]").forEach((select) => select.addEventListener("change", () => {
    const category = Number(select.dataset.merge);
    const into = select.value === "" ? null : Number(select.value);
    entries[category].merged_into = into;
    // What was merged into this one follows it.
    if (into !== null) {
      entries.forEach((entry) => { if (entry.merged_into === category) entry.merged_into = into; });
    }
    change(into === null ? `${label(category)} stands alone` : `${label(category)} is merged into ${label(into)}`);
  }));
  all("[data-category] [data-mark]").forEach((button) => button.addEventListener("click", () => {
    const category = Number(button.closest("[data-category]").dataset.category), entry = entries[category];
    entry.decision = entry.decision === button.dataset.mark ? null : button.dataset.mark;
    change(`${label(category)}: ${entry.decision ?? "no decision"}`);
  }));
  document.getElementById("reset").addEventListener("click", () => {
    if (!confirm("Discard all names and decisions?")) return;
    entries = fresh();
    change("All names and decisions are discarded");
  });
  document.getElementById("save").addEventListener("click", () => {
    const content = {
      version: 1, run: data.run.id, run_name: data.run.name, epochs: data.run.epochs,
      categories: entries.map((entry, category) => ({category, ...entry})),
    };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2)], {type: "application/json"}));
    link.download = "decisions.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    status.textContent = "decisions.json is downloaded";
  });
  show();
  return {label, target};
}

function startMap(data, decisions) {
  const map = data.map, num = map.x.length, canvas = document.getElementById("canvas");
  const context = canvas.getContext("2d"), hover = document.getElementById("hover");
  const seen = document.getElementById("seen"), shown = new Set();
  let width = 0, height = 0, chosen = -1;
  const colours = Array.from({length: 7}, (_, number) => {
    const probe = document.createElement("i");
    probe.className = `c${number}`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).getPropertyValue("--c").trim();
    probe.remove();
    return colour;
  });
  const shapes = [
    "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0-4 0", "M-3.6-3.6H3.6V3.6H-3.6Z", "M0-4.6 4.6 3.8H-4.6Z", "M0-5 5 0 0 5-5 0Z",
    "M0 4.6 4.6-3.8H-4.6Z", "M-1.6-5H1.6V-1.6H5V1.6H1.6V5H-1.6V1.6H-5V-1.6H-1.6Z",
    "M-4.5-4.5H4.5L0 0 4.5 4.5H-4.5L0 0Z"].map((path) => new Path2D(path));
  const x = (index) => 14 + map.x[index] / map.places * (width - 28);
  const y = (index) => 14 + map.y[index] / map.places * (height - 28);
  const visible = (index) => !shown.size || shown.has(decisions.target(map.category[index]));

  function draw() {
    const scale = window.devicePixelRatio || 1, size = Math.max(0.45, Math.min(1, 40 / Math.sqrt(num)));
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    canvas.width = width * scale;
    canvas.height = height * scale;
    for (const front of [false, true]) {
      for (let index = 0; index < num; index++) {
        if (visible(index) !== front) continue;
        const category = decisions.target(map.category[index]);
        context.setTransform(scale * size, 0, 0, scale * size, scale * x(index), scale * y(index));
        context.globalAlpha = front ? 0.75 : 0.06;
        context.fillStyle = colours[category % 7];
        context.fill(shapes[Math.floor(category / 7) % 7]);
      }
    }
    context.globalAlpha = 1;
  }
  // Only the sheet that is looked at is decoded.
  function thumbnail(element, index) {
    const sheet = Math.floor(index / map.perSheet), place = index % map.perSheet;
    const inSheet = Math.min(map.perSheet, num - sheet * map.perSheet);
    const rows = Math.ceil(inSheet / map.columns);
    const percent = (part, parts) => parts > 1 ? `${100 * part / (parts - 1)}%` : "0%";
    element.style.backgroundImage = `url(${map.sheets[sheet]})`;
    element.style.backgroundSize = `${100 * map.columns}% ${100 * rows}%`;
    element.style.backgroundPosition =
      `${percent(place % map.columns, map.columns)} ${percent(Math.floor(place / map.columns), rows)}`;
  }
  function describe(index) {
    const name = map.names ? map.names[index] : `image ${index}`;
    const known = map.classes && map.classes[index] >= 0 ? `, class ${map.classNames[map.classes[index]]}` : "";
    return `${name}${known}: ${decisions.label(decisions.target(map.category[index]))}, ${map.percent[index]} %`;
  }
  function choose(index) {
    chosen = index;
    hover.hidden = index < 0;
    if (index < 0) return;
    thumbnail(hover.firstElementChild, index);
    const left = x(index) + 14, top = y(index) + 14;
    hover.style.left = `${left + 106 > width ? Math.max(0, left - 132) : left}px`;
    hover.style.top = `${top + 106 > height ? Math.max(0, top - 132) : top}px`;
    seen.textContent = describe(index);
  }
  function nearest(cost) {
    let best = -1, least = Infinity;
    for (let index = 0; index < num; index++) {
      const value = visible(index) ? cost(index) : Infinity;
      if (value < least) [best, least] = [index, value];
    }
    return best;
  }

  canvas.addEventListener("pointermove", (event) => {
    const index = nearest((other) => (x(other) - event.offsetX) ** 2 + (y(other) - event.offsetY) ** 2);
    const far = index < 0 || Math.hypot(x(index) - event.offsetX, y(index) - event.offsetY) > 24;
    choose(far ? -1 : index);
  });
  canvas.addEventListener("pointerleave", () => choose(-1));
  canvas.addEventListener("blur", () => choose(-1));
  canvas.addEventListener("focus", () => { if (chosen < 0) choose(nearest((index) => index)); });
  canvas.addEventListener("keydown", (event) => {
    const step = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]}[event.key];
    if (!step) return;
    event.preventDefault();
    if (chosen < 0) return choose(nearest((index) => index));
    const next = nearest((index) => {
      const across = x(index) - x(chosen), down = y(index) - y(chosen);
      const along = across * step[0] + down * step[1], aside = across * step[1] + down * step[0];
      return along > 0.5 ? along ** 2 + 4 * aside ** 2 : Infinity;
    });
    if (next >= 0) choose(next);
  });
  canvas.addEventListener("click", () => { if (chosen >= 0) openDetail(describe(chosen), map.category[chosen],
    (element) => thumbnail(element, chosen)); });
  all("[data-show]").forEach((button) => button.addEventListener("click", () => {
    const category = Number(button.dataset.show), on = !shown.has(category);
    if (on) shown.add(category); else shown.delete(category);
    button.setAttribute("aria-pressed", on);
    draw();
  }));
  document.addEventListener("decided", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(draw).observe(canvas);
}

function openDetail(text, category, paint) {
  const dialog = document.getElementById("detail"), link = document.getElementById("detail-link");
  const picture = dialog.querySelector(".thumb");
  picture.className = "thumb";
  picture.removeAttribute("style");
  paint(picture);
  document.getElementById("detail-text").textContent = text;
  link.href = `#category-${category}`;
  link.onclick = () => dialog.close();
  dialog.showModal();
}

all("table").forEach(makeSortable);
all(".grid").forEach(makeRoving);
const source = document.getElementById("data");
if (source) {
  const data = JSON.parse(source.textContent);
  const decisions = startDecisions(data);
  startMap(data, decisions);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-image]");
    if (!button) return;
    openDetail(button.getAttribute("aria-label"), data.map.category[Number(button.dataset.image)], (picture) => {
      picture.className = button.className;
      picture.style.backgroundPosition = button.style.backgroundPosition;
    });
  });
}
