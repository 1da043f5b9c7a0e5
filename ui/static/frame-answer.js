// An answer as the framed page shows it: sentences, chips and their cards, sources, copy and rating. All text enters by
// textContent. Loaded before frame.js, which holds the conversation; the two share their names.
"use strict";

const start = JSON.parse(document.getElementById("start").textContent);
const words = start.words;
const root = new URL("..", location.href).href;
const page = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
let open = null; // the chip whose card is shown

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child || child === 0));
  return element;
}

function icon(path) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(namespace, "path"));
  svg.firstChild.setAttribute("d", path);
  return svg;
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// --- an answer

function addSentence(box, sentence, citations) {
  const cited = sentence.citations.map((number) => citations.find((citation) => citation.number === number)).filter(Boolean);
  let text = box.querySelector(".text");
  if (!text) box.append((text = el("p", { class: "text" })));
  const first = cited[0];
  const span = el("span", { class: "sentence", lang: first && first.language !== start.language ? first.language : null });
  span.append(...(first && first.quote === sentence.text ? quoted(first) : [sentence.text]), ...cited.map(chip));
  text.append(span, " ");
}

// The quote with the words that answer in bold. Offsets count characters, and JavaScript's strings do not.
function quoted({ quote, start: from, answer_start, answer_end }) {
  if (answer_start == null || answer_end == null) return [quote];
  const letters = [...quote];
  const part = (...ends) => letters.slice(...ends).join("");
  return [part(0, answer_start - from), el("strong", {}, part(answer_start - from, answer_end - from)), part(answer_end - from)];
}

// `follows`: a conversation came with the question, and a button asks without it.
function finish(box, answer, follows) {
  const notices = answer.notices.map((notice) => el("p", { class: "notice" }, notice.text));
  if (answer.model !== "courtesy" && answer.standalone_question !== answer.question.split(/\s+/).join(" ").trim()) {
    const drop = follows && el("button", { type: "button", class: "quiet drop", onclick: () => ask(answer.question, true) }, words.as_typed);
    notices.push(el("p", { class: "notice" }, `${words.understood} ${answer.standalone_question} `, drop));
  }
  box.prepend(...notices);
  if (!answer.sentences.length) {
    box.append(el("p", {}, answer.answer));
    if (answer.nearest.length) box.append(el("p", { class: "heading" }, words.nearest), el("ul", { class: "near" }, ...answer.nearest.map(near)));
  } else {
    box.append(el("p", { class: "heading" }, words.sources), el("ul", { class: "sources" }, ...sources(answer.citations)));
  }
  box.append(actions(answer));
  if (answer.related.length) box.append(el("p", { class: "heading" }, words.related), choices(answer.related));
}

const sourceLink = (path, title) =>
  el("a", { href: new URL(path.replace(/^\//, "").replace(/#|$/, (end) => `&lang=${start.language}${end}`), root).href, target: "_blank", rel: "noopener" },
    title, el("span", { class: "unseen" }, ` (${words.new_tab})`));

// Numbered by passage, listed by document.
function sources(citations) {
  const texts = Map.groupBy ? Map.groupBy(citations, (citation) => citation.doc_id) : new Map(citations.map((citation) => [citation.number, [citation]]));
  return [...texts.values()].map((group) => {
    const numbers = group.map((citation) => {
      const link = sourceLink(citation.source_url, String(citation.number));
      link.className = "number";
      link.setAttribute("aria-label", `${fill(words.source_number, citation)} (${words.new_tab})`);
      return link;
    });
    return el("li", {}, el("span", { class: "numbers" }, ...numbers), sourceLink(group[0].source_url, group[0].title),
      el("span", { class: "facts" }, facts(group[0])));
  });
}

function near(passage) {
  return el("li", {}, sourceLink(passage.source_url, passage.title), el("span", { class: "facts" }, passage.reason), el("span", {}, `“${passage.quote}”`));
}

const facts = (citation) =>
  [...new Set([citation.author, citation.publisher, date(citation.date), words[citation.language]].filter(Boolean))].join(" · ");

function date(text) {
  const parts = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?$/.exec(text || "");
  if (!parts) return "";
  const [, year, month, day] = parts;
  const shown = { year: "numeric", month: month && "long", day: day && "numeric", timeZone: "UTC" };
  return new Intl.DateTimeFormat(start.language === "en" ? "en-GB" : "id", shown).format(Date.UTC(year, (month || 1) - 1, day || 1));
}

function actions(answer) {
  const row = el("div", { class: "actions" });
  if (answer.sentences.length) {
    const done = el("span", {}, words.copy);
    row.append(el("button", { type: "button", class: "quiet", onclick: () => copy(answer, done) }, icon("M9 9h10v10H9zM5 15V5h10"), done));
  }
  if (start.rated && answer.model !== "courtesy") {
    row.append(thumb(answer, row, "up", words.helpful, "M7 11v9H4v-9zM7 11l4-7c2 0 2 2 1.500 5H19l-1.500 11H7"),
      thumb(answer, row, "down", words.unhelpful, "M7 13V4H4v9zM7 13l4 7c2 0 2-2 1.500-5H19L17.500 4H7"), el("span", { class: "told" }));
  }
  return row;
}

function thumb(answer, row, rating, name, path) {
  const button = el("button", { type: "button", class: "quiet", "aria-label": name, title: name, "aria-pressed": "false", onclick: press }, icon(path));
  async function press() {
    if (!(await vote(answer, row, rating))) return;
    for (const other of row.querySelectorAll("[aria-pressed]")) other.setAttribute("aria-pressed", other === button);
    row.querySelector(".why")?.remove();
    if (rating === "down") askWhy(answer, row, button);
  }
  return button;
}

// Whether the vote was kept; what became of it is shown, and spoken.
async function vote(answer, row, rating, reason) {
  const body = JSON.stringify({ answer_id: answer.answer_id, rating, reason });
  const { status, kept } = await fetch(root + "api/feedback", { method: "POST", headers: { "Content-Type": "application/json" }, body })
    .then(async (response) => ({ status: response.status, ...(await response.json()) })).catch(() => ({}));
  const refused = status === 200 ? words.rated_off : status === 404 ? words.rated_late : words.rated_not;
  const text = kept ? (reason ? words.rated_why : words.rated) : refused;
  row.querySelector(".told").textContent = text;
  say(text);
  return kept;
}

function askWhy(answer, row, button) {
  const reason = el("input", { maxlength: 1000, autocomplete: "off", enterkeyhint: "send", onkeydown: (event) => event.key === "Enter" && !event.isComposing && send() });
  const box = el("div", { class: "why" }, el("label", {}, words.why, reason), el("button", { type: "button", class: "quiet", onclick: send }, words.send));
  async function send() {
    if (!(await vote(answer, row, "down", reason.value.trim() || undefined))) return;
    box.remove();
    button.focus();
  }
  row.append(box);
  reason.focus();
}

async function copy(answer, label) {
  const lines = answer.citations.map((citation) =>
    `[${citation.number}] ${[citation.title, facts(citation)].filter(Boolean).join(". ")}. ${new URL(citation.source_url.slice(1), root).href}`);
  const text = [answer.answer, "", ...lines].join("\n");
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { class: "unseen", readonly: true });
    const back = document.activeElement;
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    back.focus();
  }
  label.textContent = done ? words.copied : words.not_copied;
  say(label.textContent);
  setTimeout(() => (label.textContent = words.copy), 2500);
}

// --- a chip and its card: shown while the mouse is over it, or from a click, tap or key until the next

let leaving = 0;

function chip(citation) {
  const name = fill(words.source_number, citation);
  const button = el("button", { type: "button", class: "chip", "aria-label": name, "aria-expanded": "false", onclick: toggle, onpointerenter: enter, onpointerleave: leave }, String(citation.number));
  let card = null;
  let pinned = false;
  button.hide = () => {
    if (card) card.remove();
    card = null;
    pinned = false;
    button.setAttribute("aria-expanded", "false");
  };
  function show() {
    clearTimeout(leaving);
    if (card) return;
    closeCard();
    card = makeCard(citation, name);
    card.addEventListener("pointerenter", () => clearTimeout(leaving));
    card.addEventListener("pointerleave", leave);
    button.after(card);
    button.setAttribute("aria-expanded", "true");
    place(card, button);
    open = button;
  }
  function toggle() {
    if (pinned) return closeCard();
    show();
    pinned = true;
  }
  function enter(event) {
    if (event.pointerType === "mouse") show();
  }
  function leave(event) {
    if (event.pointerType === "mouse" && !pinned) leaving = setTimeout(() => open === button && closeCard(), 250);
  }
  return button;
}

function makeCard(citation, name) {
  const card = el("span", { class: "card", role: "group", "aria-label": name },
    el("span", { class: "title" }, citation.title), el("span", { class: "facts" }, facts(citation)),
    el("span", { lang: citation.language }, `“${citation.quote}”`));
  if (citation.sources.length) {
    const rests = citation.sources.flatMap((one, at) => [at ? "; " : "", ...work(one)]);
    card.append(el("span", { class: "rests" }, words.rests_on + ": ", ...rests));
  }
  card.append(el("span", {}, sourceLink(citation.source_url, words.read_source)));
  return card;
}

function work({ author, title, publisher, date: published, url }) {
  const known = /^https?:\/\//.test(url || "");
  const name = known ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, title) : title;
  const rest = [publisher, date(published)].filter(Boolean).join(", ");
  return [author ? author + ", " : "", name, rest ? ", " + rest : ""];
}

// Below its chip or above it, where it fits or there is more room, never over it.
function place(card, button) {
  if (matchMedia("(hover: none)").matches) return;
  const chip = button.getBoundingClientRect();
  const box = card.getBoundingClientRect();
  const [above, below] = [chip.top - 14, innerHeight - chip.bottom - 14];
  const down = box.height <= below || below >= above;
  const height = Math.min(box.height, down ? below : above);
  card.style.left = Math.max(8, Math.min(chip.left - 16, innerWidth - box.width - 8)) + "px";
  card.style.top = (down ? chip.bottom + 6 : chip.top - height - 6) + "px";
  card.style.maxHeight = height + "px";
}

function closeCard() {
  clearTimeout(leaving);
  if (!open) return;
  const chip = open;
  open = null;
  if (chip.nextSibling && chip.nextSibling.contains(document.activeElement)) chip.focus();
  chip.hide();
}

