// The widget's framed page. All text enters by textContent; nothing here writes markup, evaluates text or asks another host.
"use strict";

const start = JSON.parse(document.getElementById("start").textContent);
const words = start.words;
const root = new URL("..", location.href).href;
const framed = window.parent !== window;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const PAUSE = 350; // milliseconds between sentences that came all at once: time to read on, and to be spoken
const PATIENCE = 90000; // milliseconds until an answer that does not come is given up
const KEPT = 20; // turns that are remembered
const SENT = 3; // turns that a question brings along: the server looks no further back

const page = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
let look = { ...start.look };
let turns = []; // {question, answer}
let token = start.token;
let running = null; // the AbortController of the question in work
let queued = null;
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
const pause = (time) => new Promise((done) => setTimeout(done, time));

// --- talking with the page that shows us: only with our parent, and only as the origin that the token is for

function tell(type, detail = {}) {
  if (framed) window.parent.postMessage({ tanya: type, ...detail }, start.origin);
}

const orders = {
  options: ({ options }) => dress(options),
  theme: ({ theme }) => paint(theme),
  modal: ({ modal }) => (look.modal = modal),
  focus: () => page.question.focus(),
  ask: ({ question }) => (running ? (queued = question) : ask(question)),
  clear: () => clear(),
};

window.addEventListener("message", (event) => {
  if (!framed || event.source !== window.parent || event.origin !== start.origin) return;
  const order = event.data && orders[event.data.tanya];
  if (order) order(event.data);
});

// --- how it looks

function dress(options) {
  const text = (value, longest) => (typeof value === "string" && value.trim() ? value.trim().slice(0, longest) : null);
  look.modal = options.modal === true;
  look.remember = options.remember === true ? `tanya ${start.embed} ${start.origin} ${options.name || ""}` : null;
  look.title = text(options.title, 60) || look.title || words.title;
  look.greeting = text(options.greeting, 300) || look.greeting;
  if (Array.isArray(options.questions)) look.questions = options.questions.map((one) => text(one, 200)).filter(Boolean).slice(0, 6);
  if (/^#[0-9a-f]{6}$/i.test(options.color)) look.color = options.color;
  page.title.textContent = document.title = look.title;
  page.close.hidden = options.inline !== false;
  const logo = text(options.logo, 100000);
  if (logo && (/^data:image\//.test(logo) || logo.startsWith(start.origin + "/"))) {
    page.logo.src = logo;
    page.logo.addEventListener("error", () => (page.logo.hidden = true), { once: true });
  }
  page.kept.textContent = look.remember ? words.kept_here : words.kept;
  page["kept-server"].textContent = fill(words.kept_server, { host: location.host });
  paint(options.theme || "light");
  recall();
  document.body.dataset.ready = "yes";
}

function paint(theme) {
  const dark = theme === "dark";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  if (!look.color) return;
  const style = document.documentElement.style;
  const paper = dark ? [24, 32, 39] : [251, 252, 252];
  const base = [1, 3, 5].map((at) => parseInt(look.color.slice(at, at + 2), 16));
  let link = base;
  let chip = mix(link, paper, 0.85);
  for (let step = 0; step < 20 && Math.min(contrast(link, chip), contrast(link, paper)) < 4.6; step++) {
    link = mix(link, dark ? [255, 255, 255] : [0, 0, 0], 0.12);
    chip = mix(link, paper, 0.85);
  }
  const ink = contrast(base, [255, 255, 255]) >= 4.5 ? [255, 255, 255] : [0, 0, 0];
  const colours = { "--link": link, "--chip": chip, "--button": base, "--button-ink": ink, "--asked": mix(link, paper, 0.9) };
  for (const [name, rgb] of Object.entries(colours)) style.setProperty(name, `rgb(${rgb.map(Math.round).join(" ")})`);
}

const mix = (colour, other, share) => colour.map((value, at) => value * (1 - share) + other[at] * share);

function contrast(one, other) {
  const light = (rgb) => {
    const [r, g, b] = rgb.map((value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  return Math.max(light(one), light(other)) / Math.min(light(one), light(other));
}

// --- the conversation, which only the browser has

function store(change) {
  try {
    return look.remember ? change(localStorage, look.remember) : null;
  } catch {
    return null; // blocked or full: the conversation lives as long as the page
  }
}

function recall() {
  if (turns.length) return;
  const kept = store((storage, key) => JSON.parse(storage.getItem(key) || "[]"));
  if (Array.isArray(kept)) turns = kept.filter((turn) => turn && turn.question && turn.answer && Array.isArray(turn.answer.sentences));
  page.answers.replaceChildren();
  if (!turns.length) return greet();
  page.clear.hidden = false;
  for (const turn of turns) {
    const box = addTurn(turn.question);
    for (const sentence of turn.answer.sentences) addSentence(box, sentence, turn.answer.citations);
    finish(box, turn.answer);
  }
  page.answers.scrollTop = page.answers.scrollHeight;
}

function clear() {
  if (running) running.abort();
  running = queued = null;
  turns = [];
  store((storage, key) => storage.removeItem(key));
  closeCard();
  page.clear.hidden = true;
  page.said.replaceChildren();
  page.send.removeAttribute("aria-disabled");
  greet();
}

function greet() {
  const hello = el("div", { class: "hello" }, el("h2", {}, words.hello), el("p", {}, look.greeting || words.hello_more));
  if (look.questions.length) hello.append(el("p", { class: "heading" }, words.try_these), choices(look.questions));
  page.answers.replaceChildren(hello);
}

function choices(questions) {
  const items = questions.map((question) => el("li", {}, el("button", { type: "button", onclick: () => ask(question) }, question)));
  return el("ul", { class: "choices" }, ...items);
}

function addTurn(question) {
  const box = el("div", { class: "answer" });
  const asked = el("h2", { class: "asked" }, el("span", { class: "unseen" }, words.asked + ": "), question);
  page.answers.append(el("article", {}, asked, box));
  return box;
}

// --- asking

async function ask(question) {
  question = String(question).trim();
  if (!question || running) return;
  if (question.length > start.longest) return say(fill(words.too_long, { limit: start.longest }));
  const work = (running = new AbortController());
  const late = setTimeout(() => work.abort("late"), PATIENCE);
  showAbout(false);
  if (!turns.length) page.answers.replaceChildren();
  page.clear.hidden = false;
  page.send.setAttribute("aria-disabled", "true");
  const box = addTurn(question);
  const waiting = el("p", { class: "waiting" }, words.searching);
  box.append(waiting);
  const follow = follower(box.parentElement);
  page.said.replaceChildren();
  say(words.searching);
  try {
    const answer = await receive(question, work, box, waiting, follow);
    if (work !== running) return;
    waiting.remove();
    finish(box, answer);
    follow();
    if (answer.refused) say(answer.answer);
    turns = [...turns, { question, answer }].slice(-KEPT);
    store((storage, key) => storage.setItem(key, JSON.stringify(turns)));
    const cited = answer.citations.map(({ number, title, source_url }) => ({ number, title, url: new URL(source_url.slice(1), root).href }));
    tell("answer", { detail: { question, answer: answer.answer, answer_id: answer.answer_id, refused: answer.refused, citations: cited } });
  } catch (error) {
    if (work === running) fail(question, box, waiting, error);
  } finally {
    clearTimeout(late);
    if (work === running) {
      running = null;
      page.send.removeAttribute("aria-disabled");
      if (queued) [question, queued] = [queued, null], ask(question);
    }
  }
}

// Keeps a question at the top while its answer grows, until the reader scrolls.
function follower(article) {
  let held = page.answers.scrollTop;
  const follow = () => {
    if (Math.abs(page.answers.scrollTop - held) > 2) return;
    page.answers.scrollTop = article.offsetTop - 8;
    held = page.answers.scrollTop;
  };
  follow();
  return follow;
}

function fail(question, box, waiting, error) {
  waiting.remove();
  const known = error.code ? error : { code: "offline", message: words.offline };
  const text = known.code === "too_many" ? fill(words.limited, { seconds: known.seconds || 60 })
    : known.code === "too_long" ? fill(words.too_long, { limit: start.longest })
    : known.code === "invalid" ? words.empty
    : known.code === "offline" ? words.offline : words.failed;
  const again = el("button", { type: "button", class: "quiet", onclick: () => (box.parentElement.remove(), ask(question)) }, words.retry);
  box.append(el("p", { class: "notice" }, text), el("div", { class: "actions" }, again));
  say(text);
  tell("error", { detail: { code: known.code, message: known.message || text } });
}

// Asks, with one new token if the old one is not taken; gives the whole answer once all its sentences are shown.
async function receive(question, work, box, waiting, follow, again = true) {
  const history = turns.slice(-SENT).flatMap((turn) => [
    { role: "user", content: turn.question }, { role: "assistant", content: turn.answer.answer },
  ]);
  const response = await fetch(root + "api/ask", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Accept": "text/event-stream, application/json", "X-Embed-Token": token },
    body: JSON.stringify({ question, history, embed: start.embed }),
    signal: work.signal,
    credentials: "omit",
  });
  if (response.status === 401 && again && (await renew(work))) return receive(question, work, box, waiting, follow, false);
  if (!response.ok) throw await refusal(response);
  const show = (sentence, citations) => {
    if (work !== running) return;
    waiting.remove();
    addSentence(box, sentence, citations);
    follow();
    say(sentence.text);
  };
  const streamed = (response.headers.get("Content-Type") || "").startsWith("text/event-stream");
  if (streamed) return stream(response.body, show);
  const answer = await response.json();
  for (const [at, sentence] of answer.sentences.entries()) {
    if (at && !calm.matches) await pause(PAUSE);
    show(sentence, answer.citations);
  }
  return answer;
}

async function stream(body, show) {
  let citations = [];
  for await (const { event, detail } of events(body)) {
    if (event === "sources") citations = Array.isArray(detail) ? detail : detail.citations || detail.sources || [];
    else if (event === "sentence") show(detail.sentence || detail, citations);
    else if (event === "done") return detail.answer && detail.answer.sentences ? detail.answer : detail;
    else if (event === "error") throw detail.error || detail;
  }
  throw { code: "offline", message: "The stream ended before the answer did." };
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value.replace(/\r/g, "")).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n");
      const field = (name) => lines.filter((line) => line.startsWith(name + ":")).map((line) => line.slice(name.length + 1).trimStart()).join("\n");
      if (field("data")) yield { event: field("event"), detail: JSON.parse(field("data")) };
    }
  }
}

async function renew(work) {
  const address = `${root}embed/${start.embed}/token?origin=${encodeURIComponent(start.origin)}`;
  const response = await fetch(address, { method: "POST", signal: work.signal, credentials: "omit" });
  if (!response.ok) throw await refusal(response);
  token = (await response.json()).token;
  return true;
}

async function refusal(response) {
  const body = await response.json().catch(() => ({}));
  return { code: "failed", ...body.error, seconds: Number(response.headers.get("Retry-After")) };
}

// One announcement a sentence, spoken when the reader is done with what it says now.
function say(text) {
  page.said.append(el("p", {}, text));
}

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

function finish(box, answer) {
  const notices = answer.notices.map((notice) => el("p", { class: "notice" }, notice.text));
  if (answer.standalone_question !== answer.question.split(/\s+/).join(" ").trim()) {
    notices.push(el("p", { class: "notice" }, "→ " + answer.standalone_question));
  }
  box.prepend(...notices);
  if (answer.refused) {
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
  if (!answer.refused) {
    const done = el("span", {}, words.copy);
    row.append(el("button", { type: "button", class: "quiet", onclick: () => copy(answer, done) }, icon("M9 9h10v10H9zM5 15V5h10"), done));
  }
  if (start.feedback) {
    row.append(thumb(answer, row, "up", words.helpful, "M7 11v9H4v-9zM7 11l4-7c2 0 2 2 1.500 5H19l-1.500 11H7"),
      thumb(answer, row, "down", words.unhelpful, "M7 13V4H4v9zM7 13l4 7c2 0 2-2 1.500-5H19L17.500 4H7"));
  }
  return row;
}

function thumb(answer, row, rating, name, path) {
  const button = el("button", { type: "button", class: "quiet", "aria-label": name, title: name, "aria-pressed": "false", onclick: send }, icon(path));
  async function send() {
    const body = JSON.stringify({ answer_id: answer.answer_id, rating });
    const response = await fetch(root + "api/feedback", { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => null);
    say(response && response.ok ? words.thanks : words.failed);
    if (response && response.ok) for (const other of row.querySelectorAll("[aria-pressed]")) other.setAttribute("aria-pressed", other === button);
  }
  return button;
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

function place(card, button) {
  if (matchMedia("(hover: none)").matches) return;
  const chip = button.getBoundingClientRect();
  const box = card.getBoundingClientRect();
  const below = chip.bottom + 6 + box.height < innerHeight;
  card.style.left = Math.max(8, Math.min(chip.left - 16, innerWidth - box.width - 8)) + "px";
  card.style.top = Math.max(8, below ? chip.bottom + 6 : chip.top - box.height - 6) + "px";
}

function closeCard() {
  clearTimeout(leaving);
  if (!open) return;
  const chip = open;
  open = null;
  if (chip.nextSibling && chip.nextSibling.contains(document.activeElement)) chip.focus();
  chip.hide();
}

// --- who we are, what is kept, where the sources are

async function showAbout(shown) {
  const had = page.about.contains(document.activeElement);
  page.about.hidden = !shown;
  page.answers.hidden = shown;
  page["about-open"].setAttribute("aria-expanded", String(shown));
  if (!shown) return had && page["about-open"].focus();
  page["about-close"].focus();
  if (page.documents.childElementCount) return;
  const listed = await fetch(root + "api/documents").then((response) => response.json()).catch(() => ({}));
  const ordered = (listed.documents || []).sort((a, b) => (b.language === start.language) - (a.language === start.language) || a.title.localeCompare(b.title));
  page.documents.replaceChildren(...ordered.map((one) =>
    el("li", { lang: one.language }, sourceLink(`source/${encodeURIComponent(one.id)}?`, one.title))));
}

// --- the page itself

function grow() {
  page.question.style.height = "auto";
  page.question.style.height = page.question.scrollHeight + "px";
}

function send(event) {
  event.preventDefault();
  const question = page.question.value;
  if (running || !question.trim()) return;
  page.question.value = "";
  grow();
  ask(question);
}

function key(event) {
  if (event.key === "Escape") {
    if (open) closeCard();
    else if (!page.about.hidden) showAbout(false);
    else if (!page.close.hidden) tell("close");
  }
  if (event.key !== "Tab" || !look.modal) return; // full screen: the page behind is out of sight, so Tab stays here
  const stops = [...document.querySelectorAll("a[href], button, textarea, [tabindex='0']")].filter((stop) => stop.getClientRects().length);
  const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
  if (document.activeElement === from || document.activeElement === document.body) event.preventDefault(), to.focus();
}

page.ask.addEventListener("submit", send);
page.question.addEventListener("input", grow);
page.question.addEventListener("keydown", (event) => event.key === "Enter" && !event.shiftKey && !event.isComposing && send(event));
page.clear.addEventListener("click", () => (clear(), page.question.focus()));
page.close.addEventListener("click", () => tell("close"));
page["about-open"].addEventListener("click", () => showAbout(page.about.hidden));
page["about-close"].addEventListener("click", () => showAbout(false));
page.answers.addEventListener("scroll", closeCard);
document.addEventListener("keydown", key);
document.addEventListener("pointerdown", (event) => open && event.target !== open && !open.nextSibling.contains(event.target) && closeCard());

if (framed) tell("hello");
else dress({ inline: true, theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light" });
