// The viewer's pages. Model text is hostile: it becomes text nodes only (`textOf`), never markup, attributes or addresses.
"use strict";
(() => {
  const PAGE = 50; // questions of a list that are shown at once
  const CUT = 4000; // characters of a text that are shown at once
  const WORDS = 500; // words of texts that are compared
  const KEPT = 40; // data files kept in memory
  const main = document.getElementById("main");
  let study; // the file `overview`
  let keys = {}; // key -> what it does on this page

  // -- data: each file is a script that calls `amongus` ----------------------------------------------------------
  const files = new Map();
  const waiting = new Map();
  globalThis.amongus = (key, value) => waiting.get(key)?.(value);
  function load(key) {
    const found = files.get(key) ?? new Promise((resolve, reject) => {
      const script = document.createElement("script");
      waiting.set(key, resolve);
      script.src = `data/${key}.js`;
      script.onload = () => { script.remove(); waiting.delete(key); };
      script.onerror = () => { files.delete(key); reject(new Error(`data/${key}.js is missing`)); };
      document.head.append(script);
    });
    files.delete(key);
    files.set(key, found);
    if (files.size > KEPT) files.delete(files.keys().next().value);
    return found;
  }

  // -- elements and texts ----------------------------------------------------------------------------------------
  function el(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") made.addEventListener(name, value);
      else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return made;
  }
  const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;
  function spelled(character) {
    const code = character.codePointAt(0);
    const [sign, width] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
    return `\\${sign}${code.toString(16).padStart(width, "0")}`;
  }
  const plain = (text) => text.replace(new RegExp(HIDDEN, "gu"), spelled);
  const pieces = (text) => text.split(new RegExp(`(${HIDDEN.source})`, "u"))
    .filter(Boolean).map((part) => (HIDDEN.test(part) ? el("span", { class: "hidden" }, spelled(part)) : part));
  // Text as written, cut where it is long; before: an earlier text, whose differences are marked.
  function textOf(text, before) {
    const box = el("div", { class: "text", dir: "auto", tabindex: text.length > 600 ? "0" : null });
    const whole = () => box.replaceChildren(...(differences(before, text) ?? pieces(text)));
    if (text.length <= CUT) whole();
    else {
      const button = el("button", { type: "button", click: whole }, `Show all ${text.length.toLocaleString("en")} characters`);
      box.append(...pieces(text.slice(0, CUT)), "… ", button);
    }
    return box;
  }
  function differences(before, after) {
    if (before === undefined || before === after) return null;
    const [a, b] = [before, after].map((text) => text.split(/(\s+)/).filter(Boolean));
    if (Math.max(a.length, b.length) > WORDS) return null;
    const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--)
      for (let j = b.length - 1; j >= 0; j--)
        common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    const nodes = [];
    for (let i = 0, j = 0; i < a.length || j < b.length; ) {
      if (i < a.length && j < b.length && a[i] === b[j]) { nodes.push(...pieces(b[j])); i++; j++; }
      else if (j === b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) nodes.push(el("del", {}, pieces(a[i++])));
      else nodes.push(el("ins", {}, pieces(b[j++])));
    }
    return nodes;
  }
  const percent = (value) => (value === null || value === undefined ? "–" : (100 * value).toFixed(1).replace(/^-(0\.0)$/, "$1").replace("-", "−"));
  const decision = (score) => (score === null ? "not scored" : score === 1 ? "right" : score === 0 ? "wrong" : `score ${score}`);
  const verdictOf = (score) => el("span", { class: score === 1 ? "right" : score === 0 ? "wrong" : "faint" }, decision(score));

  // A table: headings, and rows of cells, each text, a node, or {value (to sort by), node, class}.
  function table(caption, headings, rows, { kind = "", classes = [] } = {}) {
    const body = el("tbody");
    const heads = headings.map((heading, column) => el("th", { scope: "col" }, el("button", { type: "button", click: () => sort(column) }, heading)));
    const lines = rows.map((row, number) => ({ values: row.map((cell) => cell?.value ?? cell), line: el("tr", { class: classes[number] },
      row.map((cell, column) => {
        const numeric = typeof (cell?.value ?? cell) === "number";
        const attributes = { class: [cell?.class, numeric ? "number" : null].filter(Boolean).join(" ") || null };
        return el(column ? "td" : "th", column ? attributes : { scope: "row", ...attributes }, cell?.node ?? String(cell?.value ?? cell ?? "–"));
      })) }));
    function sort(column) {
      const up = heads[column].getAttribute("aria-sort") !== "ascending";
      heads.forEach((head) => head.removeAttribute("aria-sort"));
      heads[column].setAttribute("aria-sort", up ? "ascending" : "descending");
      const order = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
      lines.sort((a, b) => (up ? 1 : -1) * order(a.values[column], b.values[column]));
      body.replaceChildren(...lines.map(({ line }) => line));
    }
    body.append(...lines.map(({ line }) => line));
    return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el("table", { class: kind }, el("caption", {}, caption), el("thead", {}, el("tr", {}, heads)), body));
  }
  function choice(id, label, options, chosen, change) {
    const select = el("select", { id, change: () => change(select.value) },
      options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
    return el("label", {}, label, select);
  }

  // -- addresses -------------------------------------------------------------------------------------------------
  function address() {
    const [path, query] = location.hash.slice(1).split("?");
    return { parts: path.split("/").filter(Boolean).map(decodeURIComponent), query: Object.fromEntries(new URLSearchParams(query)) };
  }
  function link(parts, query = {}) {
    const pairs = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
    return `#/${parts.map(encodeURIComponent).join("/")}${pairs && `?${pairs}`}`;
  }
  function change(changes) { // of the query, in place
    const { parts, query } = address();
    history.replaceState(null, "", link(parts, { ...query, ...changes }));
    show();
  }

  // -- the study -------------------------------------------------------------------------------------------------
  const figures = new Map(); // table -> rows as objects
  function rowsOf(name) {
    if (!figures.has(name)) {
      const { columns, rows } = study.tables[name];
      figures.set(name, rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]]))));
    }
    return figures.get(name);
  }
  const whole = (row) => row.dataset === "all" && row.domain === "all";
  const memberOf = (name) => study.members.find((member) => member.name === name);
  const kindOf = (name) => (memberOf(name)?.attack ? `attacker, ${memberOf(name).attack}` : "benign");
  const poolOf = (name) => study.pools.find((pool) => pool.name === name);
  const ran = (pool, method) => study.teams.some(([p, m]) => p === pool && m === method);
  const methodLabel = (row) => (row.method !== "all" ? row.method : row.level === "all" ? "all methods" : `all ${row.level}`);
  const defencesOf = (team) => team.map((one) => one.defence).filter((name) => name !== "none");

  function overview(_, query) {
    const impact = rowsOf("impact").filter(whole);
    const malice = new Map(rowsOf("malice").map((row) => [`${row.method} ${row.pool}`, row]));
    const measure = query.show === "malice" ? "malice" : "drop";
    const figure = (row) => (measure === "drop" ? row : malice.get(`${row.method} ${row.pool}`));
    const p = (row) => (measure === "drop" ? row.p_value : row.p_adjusted);
    const most = Math.max(0.01, ...impact.map((row) => Math.abs(figure(row)?.[measure] ?? 0)));
    const pools = study.pools.filter((pool) => pool.attacked);
    const groups = [...new Map(impact.map((row) => [methodLabel(row), row])).values()];
    const heat = (row) => {
      const own = row && figure(row);
      if (!row || row.applicable === false) return { value: "", node: el("span", { class: "faint" }, row ? "not applicable" : "–") };
      if (!own) return { value: "", node: "–" };
      const value = own[measure];
      const place = row.empty === null ? "–" : percent(row.clean - row.empty);
      const shown = [`${percent(value)}${p(own) !== null && p(own) < 0.05 ? " *" : ""}`, el("small", {}, `empty ${place}`)];
      const strength = Math.ceil((4 * Math.abs(value)) / most);
      return { value, class: strength ? `${value > 0 ? "loss" : "gain"}${strength}` : null,
        node: row.method === "all" ? shown : el("a", { href: link(["cell", row.method, row.pool]) }, shown) };
    };
    const rows = groups.map((group) => {
      const own = pools.map((pool) => impact.find((row) => methodLabel(row) === methodLabel(group) && row.pool === pool.name));
      const clean = own.find((row) => row?.clean !== null && row)?.clean;
      return [methodLabel(group), { value: clean ?? "", node: percent(clean) }, ...own.map(heat)];
    });
    const caption = measure === "drop"
      ? "Drop: points that a team loses when an attacker takes a member’s place (clean − attacked)."
      : "Malice: points lost beyond those of an empty place (empty − attacked), where one attacker can be told from its absence.";
    return [
      el("h2", { tabindex: "-1" }, "What each attacker costs"),
      el("p", {}, `Rows are methods, columns pools with an attacker. “empty” is what the team loses when the place is left empty.
        An asterisk: p < 0.05, ${measure === "drop" ? "not adjusted for the many cells" : "after Holm’s adjustment"}. Orange is a loss, blue a gain. Open a figure to see its questions.`),
      el("div", { class: "bar" }, choice("show", "Show", [["drop", "drop"], ["malice", "malice"]], measure, (show) => change({ show }))),
      table(caption, ["Method", "Clean, %", ...pools.map((pool) => pool.name)], rows,
        { kind: "heat", classes: groups.map((row) => (row.method === "all" ? "average" : null)) }),
      ...defended(query),
    ];
  }
  const MEASURES = {
    recovery: ["recovery: defended ÷ clean, %", "mitigation", (row) => row.recovery, (row) => `undefended ${percent(row.undefended)}`],
    net: ["net gain in points: what the attacked team gains − what the clean team gains", "mitigation", (row) => row.net, () => ""],
    caught: ["attacker masked, % of questions with an attacker among the candidates", "supervisors", (row) => row.masked_attacker, (row) => `by chance ${percent(row.chance)}`],
    benign: ["benign member masked, % of the same questions", "supervisors", (row) => row.masked_other, () => ""],
  };
  function defended(query) {
    const measure = Object.hasOwn(MEASURES, query.measure ?? "") ? query.measure : "recovery";
    const [label, source, value, beside] = MEASURES[measure];
    const found = new Map(rowsOf(source).filter(whole).map((row) => [[row.level, row.method, row.pool, row.defence].join(" "), row]));
    const places = [...new Map([...found.values()].filter((row) => poolOf(row.pool).attacked && row.applicable !== false)
      .map((row) => [[row.level, row.method, row.pool].join(" "), row])).entries()];
    if (!places.length) return [];
    const rows = places.map(([key, place]) => [methodLabel(place), place.pool, ...study.defences.map((defence) => {
      const row = found.get(`${key} ${defence}`);
      if (!row || value(row) === null) return { value: "", node: "–" };
      const shown = [percent(value(row)), el("small", {}, beside(row))];
      return { value: value(row), node: place.method === "all" ? shown : el("a", { href: link(["cell", place.method, place.pool], { defence }) }, shown) };
    })]);
    return [
      el("h3", {}, "What each defence wins back, and whom it masks"),
      el("div", { class: "bar" }, choice("measure", "Show", Object.entries(MEASURES).map(([name, [text]]) => [name, text]), measure, (to) => change({ measure: to }))),
      table(`Averages over datasets: ${label}.`, ["Method", "Pool", ...study.defences], rows,
        { kind: "heat", classes: places.map(([, place]) => (place.method === "all" ? "average" : null)) }),
    ];
  }

  // -- a cell: a method and an attacked pool ----------------------------------------------------------------------
  const FILTERS = {
    wrong: [1, "turned wrong"], right: [2, "turned right"], back: [4, "won back by the defence"],
    caught: [8, "attacker masked"], benign: [16, "benign member masked"], unreadable: [32, "supervisor unreadable"],
  };
  // Everything about a cell's rows (a seed and a question each) but their texts.
  async function cellOf(method, pool, wanted) {
    const place = poolOf(pool);
    if (!place?.attacked || !study.methods.some((one) => one.name === method)) throw new Error(`no cell ${method} × ${pool}`);
    if (!ran(pool, method)) throw new Error(`${method} × ${pool} is not applicable: the attacker has no weights to merge`);
    const roles = { clean: "clean", attacked: pool, ...(ran(place.control, method) ? { empty: place.control } : {}) };
    const teams = Object.fromEntries(await Promise.all(Object.entries(roles).map(async ([role, name]) => [role, await load(`teams/${method}.${name}`)])));
    const of = (role, defence) => teams[role]?.find((one) => one.defence === defence);
    const names = defencesOf(teams.attacked);
    const defence = names.includes(wanted) ? wanted : names[0] ?? "none";
    const scores = { clean: of("clean", "none").score, attacked: of("attacked", "none").score, empty: of("empty", "none")?.score };
    const { score: defended, masked, flags } = of("attacked", defence);
    const attackers = new Set(study.members.flatMap((member, i) => (member.attack ? [i] : [])));
    const marks = new Uint8Array(defended.length);
    for (let row = 0; row < marks.length; row++) {
      const [c, a, d] = [scores.clean[row], scores.attacked[row], defended[row]];
      const hit = masked[row] >= 0;
      marks[row] = (c !== null && a !== null ? (a < c ? 1 : a > c ? 2 : 0) : 0) | (a !== null && d !== null && d > a ? 4 : 0)
        | (hit && attackers.has(masked[row]) ? 8 : 0) | (hit && !attackers.has(masked[row]) ? 16 : 0) | (flags[row] & 1 ? 32 : 0);
    }
    return { method, pool, defence, names, scores: { ...scores, defended }, masked, flags, marks };
  }
  function* blocksOf(query) { // those of the chosen dataset and seed: [block, its first row]
    let first = 0;
    for (const block of study.blocks) {
      if ((!query.dataset || block.dataset === query.dataset) && (!query.seed || String(block.seed) === query.seed)) yield [block, first];
      first += block.n;
    }
  }
  const headOf = (block) => load(`heads/${block.seed}.${block.dataset}`);
  const bits = (query) => (query.is ?? "").split(" ").reduce((sum, name) => sum | (Object.hasOwn(FILTERS, name) ? FILTERS[name][0] : 0), 0);
  async function chosenRows(cell, query) {
    const [wanted, words, rows] = [bits(query), (query.find ?? "").toLowerCase(), []];
    for (const [block, first] of blocksOf(query)) {
      const head = words ? await headOf(block) : null;
      for (let k = 0; k < block.n; k++) {
        const fits = (cell.marks[first + k] & wanted) === wanted;
        if (fits && (!head || `${head.ids[k]} ${head.prompts[k]}`.toLowerCase().includes(words))) rows.push(first + k);
      }
    }
    return rows;
  }
  function placeOf(row) {
    let first = 0;
    for (const block of study.blocks) {
      if (row < first + block.n) return { block, k: row - first };
      first += block.n;
    }
    throw new Error(`no question ${row}`);
  }

  async function cellPage([method, pool], query) {
    const cell = await cellOf(method, pool, query.defence);
    const rows = await chosenRows(cell, query);
    const pages = Math.max(1, Math.ceil(rows.length / PAGE));
    const page = Math.min(pages, Math.max(1, Number(query.page) || 1));
    const list = await Promise.all(rows.slice((page - 1) * PAGE, page * PAGE).map((row) => line(cell, row, query)));
    const counts = Object.fromEntries(Object.keys(FILTERS).map((name) => [name, 0]));
    for (const [block, first] of blocksOf(query))
      for (let row = first; row < first + block.n; row++)
        for (const [name, [bit]] of Object.entries(FILTERS)) if (cell.marks[row] & bit) counts[name]++;
    const on = new Set((query.is ?? "").split(" ").filter(Boolean));
    const toggle = (name) => { on.has(name) ? on.delete(name) : on.add(name); change({ is: [...on].join(" "), page: "" }); };
    const options = (values) => [["", "all"], ...[...new Set(values)].map((value) => [String(value), String(value)])];
    const turn = (label, to) => el("button", { type: "button", disabled: to < 1 || to > pages, click: () => change({ page: String(to) }) }, label);
    const search = el("input", { id: "find", type: "search", autocomplete: "off" });
    search.value = query.find ?? "";
    let pause;
    search.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(() => change({ find: search.value, page: "" }), 250); });
    keys = { "/": () => search.focus(), j: () => step(1), k: () => step(-1) };
    status(`${rows.length} questions`, true);
    return [
      el("h2", { tabindex: "-1" }, `${method} with ${pool}: its questions`),
      summary(cell, query),
      el("div", { class: "bar" },
        cell.names.length > 0 && choice("defence", "Defence", cell.names.map((name) => [name, name]), cell.defence, (defence) => change({ defence, page: "" })),
        choice("dataset", "Dataset", options(study.datasets.map((one) => one.name)), query.dataset ?? "", (dataset) => change({ dataset, page: "" })),
        choice("seed", "Seed", options(study.blocks.map((one) => one.seed)), query.seed ?? "", (seed) => change({ seed, page: "" })),
        el("label", {}, "Search (/)", search)),
      el("fieldset", {}, el("legend", {}, "Only questions that are"), Object.entries(FILTERS).map(([name, [, label]]) =>
        el("label", {}, el("input", { id: `is-${name}`, type: "checkbox", checked: on.has(name), change: () => toggle(name) }), ` ${label} (`, el("output", { "data-count": name }, String(counts[name])), ")"))),
      el("div", { class: "bar" }, el("strong", { id: "found" }, `${rows.length.toLocaleString("en")} questions`), turn("Previous", page - 1), `page ${page} of ${pages}`, turn("Next", page + 1),
        el("span", { class: "faint" }, "j and k move through the list")),
      table(`Questions of ${method}, clean, with ${pool}, and defended by ${cell.defence}. Search looks at ids and the first 160 characters.`,
        ["Question", "Dataset", "Seed", "Clean", "Attacked", "Defended", "Masked"], list, { kind: "list" }),
    ];
  }
  async function line(cell, row, query) {
    const { block, k } = placeOf(row);
    const head = await headOf(block);
    const { page, ...kept } = query;
    const text = el("a", { href: link(["question", cell.method, cell.pool, String(row)], { ...kept, defence: cell.defence }) }, pieces(head.prompts[k].replace(/\s+/g, " ").trim() || head.ids[k]));
    const of = (role) => ({ value: cell.scores[role][row] ?? "", class: null, node: verdictOf(cell.scores[role][row]) });
    return [{ value: head.prompts[k], node: text }, block.dataset, String(block.seed), of("clean"), of("attacked"), of("defended"),
      { value: cell.masked[row] < 0 ? "–" : study.members[cell.masked[row]].name }];
  }
  function step(by) {
    const links = [...main.querySelectorAll(".list a")];
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  }
  // The table's figures, counted again from the rows.
  function summary(cell, query) {
    const parts = new Map();
    let [stake, hits, others, elsewhere] = [0, 0, 0, 0];
    for (const [block, first] of blocksOf(query)) {
      const own = parts.get(block.dataset) ?? { n: 0, clean: 0, attacked: 0, wrong: 0, right: 0 };
      parts.set(block.dataset, own);
      for (let row = first; row < first + block.n; row++) {
        const [c, a] = [cell.scores.clean[row], cell.scores.attacked[row]];
        if (c !== null && a !== null) { own.n++; own.clean += c; own.attacked += a; own.wrong += cell.marks[row] & 1; own.right += (cell.marks[row] & 2) / 2; }
        if (cell.flags[row] & 2) { stake++; if (cell.marks[row] & 8) hits++; if (cell.marks[row] & 16) others++; }
        else if (cell.marks[row] & 16) elsewhere++;
      }
    }
    const means = [...parts].map(([name, own]) => ({ ...own, name, clean: own.n ? own.clean / own.n : null, attacked: own.n ? own.attacked / own.n : null }));
    const known = means.filter((one) => one.n);
    const sum = (key) => known.reduce((total, one) => total + one[key], 0);
    const all = { name: "all, each with the same weight", n: sum("n"), clean: known.length ? sum("clean") / known.length : null, attacked: known.length ? sum("attacked") / known.length : null, wrong: sum("wrong"), right: sum("right") };
    const rows = [...means, ...(means.length > 1 ? [all] : [])].map((one) => [one.name, one.n, { value: one.clean ?? "", node: percent(one.clean) },
      { value: one.attacked ?? "", node: percent(one.attacked) }, one.wrong, one.right, { value: one.n ? one.clean - one.attacked : "", node: one.n ? percent(one.clean - one.attacked) : "–" }]);
    const row = rowsOf("impact").find((one) => one.method === cell.method && one.pool === cell.pool && (query.dataset ? one.dataset === query.dataset : whole(one)));
    const says = !query.seed && row ? `The table impact.csv has a drop of ${percent(row.drop)} [${percent(row.drop_low)}, ${percent(row.drop_high)}] on ${row.n} pairs.` : "";
    const level = study.methods.find((one) => one.name === cell.method).level;
    const masks = cell.defence === "none" ? "No defence was run." : level === "api" && cell.defence === "self"
      ? "This defence prefers one of the router’s candidates to another and suspects nobody."
      : `${cell.defence}: an attacker was among the candidates of ${stake} questions; it was masked in ${hits} (${percent(stake ? hits / stake : null)} %), a benign member in ${others}.`
        + (elsewhere ? ` In ${elsewhere} more no attacker was a candidate, and a benign member was masked.` : "");
    return el("section", { id: "summary" },
      table("Pairs (a question under a seed) that are scored in both teams, undefended.", ["Dataset", "Pairs", "Clean, %", "Attacked, %", "Turned wrong", "Turned right", "Drop"], rows),
      el("p", {}, says), el("p", {}, masks));
  }

  // -- a question: clean, attacked, defended ----------------------------------------------------------------------
  async function questionPage([method, pool, number], query) {
    const row = Number(number);
    const { block, k } = placeOf(row);
    const [chunk, at] = [Math.floor(k / study.chunk), k % study.chunk];
    const where = `${block.seed}.${block.dataset}/${chunk}`;
    const cell = await cellOf(method, pool, query.defence);
    const [asked, clean, attacked, rows] = await Promise.all([load(`questions/${where}`), load(`talks/${method}.clean/${where}`), load(`talks/${method}.${pool}/${where}`), chosenRows(cell, query)]);
    const sides = [["Clean", clean, "none", "clean"], ["Attacked", attacked, "none", "attacked"], ...(cell.defence === "none" ? [] : [[`Defended by ${cell.defence}`, attacked, cell.defence, "defended"]])]
      .map(([title, file, defence, role]) => outcome(title, file, defence, at, cell.scores[role][row]));
    const answers = new Map(asked.answers.map((one) => [one.member, Object.fromEntries(Object.entries(one).map(([key, value]) => [key, Array.isArray(value) ? value[at] : value]))]));
    const members = [...new Set([...poolOf("clean").members, ...poolOf(pool).members])];
    const alone = membersTable(asked, at, block, members, answers, pool, sides);
    const position = rows.indexOf(row);
    const go = (to) => { if (to !== undefined) location.hash = link(["question", method, pool, String(to)], query); };
    const [before, after] = position < 0 ? [undefined, rows[0]] : [rows[position - 1], rows[position + 1]];
    const button = (id, label, click, disabled = false) => el("button", { id, type: "button", click, disabled }, label);
    const back = link(["cell", method, pool], query);
    keys = { j: () => go(after), k: () => go(before), "/": () => { location.hash = back; wantsSearch = true; } };
    const title = `${method} with ${pool}: ${block.dataset}, seed ${block.seed}`;
    return [
      el("h2", { tabindex: "-1" }, title),
      el("div", { class: "bar" }, el("a", { id: "back", href: back }, "Back to the list"),
        button("previous", "Previous (k)", () => go(before), before === undefined), button("next", "Next (j)", () => go(after), after === undefined),
        el("span", { class: "faint" }, position < 0 ? `not among the ${rows.length} chosen` : `${position + 1} of ${rows.length}`),
        cell.names.length > 0 && choice("defence", "Defence", cell.names.map((name) => [name, name]), cell.defence, (defence) => change({ defence })),
        button("copy", "Copy as Markdown", () => copy(markdown(title, asked, at, sides))), button("copy-link", "Copy link", () => copy(location.href))),
      el("p", { class: "faint" }, pieces(asked.id[at])),
      el("h3", {}, "Question"), textOf(asked.prompt[at]),
      el("details", {}, el("summary", {}, "The dataset’s row, with its reference"), textOf(asked.item[at])),
      el("div", { class: "sides" }, sides.map((side) => sideOf(side, answers))),
      alone,
    ];
  }
  function outcome(title, file, defence, at, score) {
    const [text, reason, chosen, masked, candidates, turns] = file.questions[at][file.defences.indexOf(defence)];
    const of = (place) => file.strings[place];
    return { title, score, text: of(text), reason: of(reason), chosen: of(chosen), masked: of(masked), candidates: candidates.map(of),
      turns: turns.map(([round, member, role, said]) => ({ round, member: of(member), role: of(role), text: of(said) })) };
  }
  function sideOf(side, answers) {
    const last = new Map();
    const rounds = new Map();
    const turns = [...side.turns];
    // A masked member that does not speak is shown by its own answer.
    if (side.masked && !turns.some((turn) => turn.member === side.masked) && answers.has(side.masked))
      turns.unshift({ round: turns[0]?.round ?? 0, member: side.masked, role: "own answer, left out", text: answers.get(side.masked).text ?? "" });
    for (const turn of turns) {
      const before = last.get(turn.member);
      last.set(turn.member, turn.text);
      const masked = turn.member === side.masked;
      const classes = ["message", memberOf(turn.member)?.attack && "attacker", masked && "masked"].filter(Boolean).join(" ");
      const changed = before === undefined ? "" : before === turn.text ? ", unchanged" : ", changed";
      const list = rounds.get(turn.round) ?? [];
      rounds.set(turn.round, list);
      list.push(el("article", { class: classes }, el("strong", {}, turn.member), ` (${kindOf(turn.member)}${masked ? ", masked" : ""}) `, el("span", { class: "faint" }, turn.role + changed), textOf(turn.text, before)));
    }
    return el("section", { class: "side" }, el("h3", {}, side.title),
      el("div", { class: "final" }, el("div", {}, "Final answer: ", verdictOf(side.score), side.chosen ? `, given by ${side.chosen} (${kindOf(side.chosen)})` : ""), textOf(side.text),
        side.reason ? el("small", {}, pieces(side.reason)) : null),
      el("p", { class: "faint" }, side.masked ? `Masked: ${side.masked} (${kindOf(side.masked)})` : "Nobody masked",
        side.candidates.length ? `; candidates: ${side.candidates.join(", ")}` : ""),
      [...rounds].map(([round, list]) => [el("h4", {}, `Round ${round}`), list]),
      rounds.size ? null : el("p", { class: "faint" }, "No messages: members work together below the level of texts."));
  }
  function membersTable(asked, at, block, members, answers, pool, sides) {
    const own = study.alone.filter((one) => one.seed === block.seed && one.dataset === block.dataset);
    const rankIn = (name) => { const rank = own.find((one) => one.member === name)?.rank; return rank === undefined ? null : own.filter((one) => poolOf(pool).members.includes(one.member) && one.rank < rank).length + 1; };
    const given = (kind, member) => asked.evidence.find((one) => one.kind === kind && one.member === member && (one.pool === null || one.pool === pool))?.values[at] ?? "–";
    const rows = members.map((name) => {
      const answer = answers.get(name);
      const inPool = poolOf(pool).members.includes(name);
      return [{ value: name, node: el("span", {}, name, memberOf(name)?.replaces && !poolOf("clean").members.includes(name) ? el("small", {}, ` in place of ${memberOf(name).replaces}`) : null) }, kindOf(name),
        inPool ? rankIn(name) : { value: "", node: "not in the pool" }, { value: own.find((one) => one.member === name)?.dev ?? "", node: percent(own.find((one) => one.member === name)?.dev) },
        { value: answer.score ?? "", class: null, node: verdictOf(answer.score) }, given("reward", name), given("verdict", name), { value: answer.text ?? "", node: textOf(answer.text ?? ""), class: sides.at(-1).masked === name ? "masked" : null }];
    });
    return el("section", {}, el("h3", {}, "Each member alone"),
      table("Own answers, before the team works together. Dev rank is that in the attacked pool; verdict: the judge’s probability that the answer is right.", ["Member", "Kind", "Dev rank", "Dev, %", "Score", "Reward", "Verdict", "Answer"], rows, { kind: "own" }));
  }
  function markdown(title, asked, at, sides) {
    const fenced = (text) => { const fence = "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map((found) => found[0].length + 1))); return `${fence}text\n${plain(text)}\n${fence}`; };
    return [`# ${title}`, `Question ${plain(asked.id[at])}`, fenced(asked.prompt[at]), ...sides.flatMap((side) => [
      `## ${side.title}: ${decision(side.score)}${side.masked ? `, masked: ${side.masked}` : ""}`, fenced(side.text),
      ...side.turns.flatMap((turn) => [`Round ${turn.round}, ${turn.member} (${kindOf(turn.member)}), ${turn.role}:`, fenced(turn.text)])])].join("\n\n") + "\n";
  }
  async function copy(text) {
    try { await navigator.clipboard.writeText(text); status("Copied."); }
    catch { // Where a page may not write to the clipboard, the text is there to be copied.
      const box = el("textarea", { readonly: true, "aria-label": "To copy" });
      box.value = text;
      main.prepend(box);
      box.select();
      status("Press Ctrl+C to copy.");
    }
  }

  // -- members and costs -------------------------------------------------------------------------------------------
  function membersPage() {
    const mean = (values) => (values.length ? values.reduce((a, b) => a + b, 0) / values.length : null);
    const rows = study.members.map((member) => [member.name, kindOf(member.name), member.replaces ?? "–", ...study.datasets.map(({ name }) => {
      const own = study.alone.filter((one) => one.member === member.name && one.dataset === name);
      const [test, dev] = ["test", "dev"].map((key) => mean(own.map((one) => one[key]).filter((value) => value !== null)));
      return { value: test ?? "", node: [percent(test), el("small", {}, ` dev ${percent(dev)}`)] };
    })]);
    const alone = rowsOf("alone").filter(whole).map((row) => [row.attacker, row.replaces, row.n, ...["replaced", "score", "drop"].map((key) => ({ value: row[key] ?? "", node: percent(row[key]) })), `${percent(row.drop_low)} to ${percent(row.drop_high)}`]);
    return [el("h2", { tabindex: "-1" }, "Members, each alone"),
      table("Mean test scores in %, over seeds, without a team; small: on dev, by which teams rank their members.", ["Member", "Kind", "Made from", ...study.datasets.map((one) => one.name)], rows),
      alone.length ? table("Each attacker alone against the member it is made from, over all datasets.", ["Attacker", "Made from", "Pairs", "Replaced, %", "Attacker, %", "Drop", "Interval"], alone) : null].filter(Boolean);
  }
  function costsPage() {
    const { columns, rows } = study.tables.cost;
    return [el("h2", { tabindex: "-1" }, "What it took"), table("Sums over the jobs of each rule. Seconds are of wall time.", columns.map((name) => name.replaceAll("_", " ")),
      rows.map((row) => row.map((value) => (typeof value === "number" ? { value, node: value.toLocaleString("en", { maximumFractionDigits: 1 }) } : value))))];
  }

  // -- which page is shown ------------------------------------------------------------------------------------------
  const PAGES = { cell: cellPage, question: questionPage, members: membersPage, costs: costsPage };
  let [shown, before, wantsSearch] = [0, null, false];
  function status(text, quiet = false) { // quiet: for screen readers alone
    const line = document.getElementById("status");
    line.className = quiet ? "quiet" : "";
    line.textContent = text;
  }
  async function show() {
    const turn = ++shown;
    const focused = document.activeElement?.id;
    let content;
    keys = {};
    status("");
    try {
      study ??= await load("overview");
      const { parts, query } = address();
      document.getElementById("study").textContent = `Study ${study.study}`;
      content = await (Object.hasOwn(PAGES, parts[0] ?? "") ? PAGES[parts[0]] : overview)(parts.slice(1), query);
    } catch (error) {
      content = [el("h2", { tabindex: "-1" }, "Nothing to show"), el("p", {}, pieces(String(error.message)))];
    }
    if (turn !== shown) return;
    main.replaceChildren(...content);
    const path = location.hash.split("?")[0];
    document.title = `${main.querySelector("h2").textContent} – ${study?.study ?? "viewer"}`;
    if (wantsSearch && document.getElementById("find")) { wantsSearch = false; document.getElementById("find").focus(); }
    else if (path === before) document.getElementById(focused)?.focus();
    else if (before !== null) { scrollTo(0, 0); main.querySelector("h2").focus({ preventScroll: true }); }
    before = path;
  }
  addEventListener("hashchange", show);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input[type=search], textarea, select")) { if (event.key === "Escape") event.target.blur(); return; }
    if (Object.hasOwn(keys, event.key)) { event.preventDefault(); keys[event.key](); }
  });
  show();
})();
