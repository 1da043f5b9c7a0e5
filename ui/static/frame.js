// The widget's framed page: the conversation, and talking with the page that shows it. Nothing here writes markup,
// evaluates text or asks another host.
"use strict";

const framed = window.parent !== window;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const PAUSE = 350; // milliseconds between sentences that came all at once: time to read on, and to be spoken
const PATIENCE = 90000; // milliseconds until an answer that does not come is given up
const KEPT = 20; // turns that are remembered
const SENT = 3; // turns that a question brings along: the server looks no further back

let look = { ...start.look };
let turns = []; // {question, answer, alone}: a question asked alone begins the conversation anew
let token = start.token;
let running = null; // the AbortController of the question in work
let queued = null;

const pause = (time) => new Promise((done) => setTimeout(done, time));

// --- talking with the page that shows us: only with our parent, and only as the origin that the token is for

function tell(type, detail = {}) {
  if (framed) window.parent.postMessage({ tanya: type, ...detail }, start.origin);
}

const orders = {
  options: ({ options }) => dress(options),
  look: ({ theme, modal }) => (paint(theme), look.modal = modal),
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
  look.remember = options.remember === true ? ["tanya", start.embed, start.origin, options.name, options.target].join(" ") : null;
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
  page.privacy.href = `${root}privacy?lang=${start.language}`;
  page["kept-server"].textContent = fill(words.kept_server, { host: location.host });
  look.fixed = !options.fixed && look.theme !== "auto" ? look.theme : null;
  paint(options.theme);
  recall();
  document.body.dataset.ready = "yes";
}

function paint(theme) {
  const dark = (look.fixed || theme) === "dark";
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
  const kept = store((storage, key) => JSON.parse(storage.getItem(key)));
  if (!Array.isArray(kept) || !kept.length) return greet();
  turns = kept;
  page.answers.replaceChildren();
  page.clear.hidden = false;
  try {
    for (const [at, turn] of turns.entries()) {
      const box = addTurn(turn.question);
      for (const sentence of turn.answer.sentences) addSentence(box, sentence, turn.answer.citations);
      finish(box, turn.answer, at > 0 && !turn.alone);
    }
  } catch {
    return clear(); // kept by another version of this page, in another shape
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

// Where the focus was on what is taken away, the answers get it: on the question it would raise a phone's keyboard.
function takeAway(...elements) {
  const held = elements.some((element) => element.contains(document.activeElement));
  for (const element of elements) element.remove();
  if (held) page.answers.focus({ preventScroll: true });
}

function addTurn(question) {
  const box = el("div", { class: "answer" });
  const asked = el("h2", { class: "asked" }, el("span", { class: "unseen" }, words.asked + ": "), question);
  page.answers.append(el("article", {}, asked, box));
  return box;
}

// --- asking

// `alone`: without what was said before.
async function ask(question, alone = false) {
  question = String(question).trim();
  if (!question || running) return;
  if (question.length > start.longest) return say(fill(words.too_long, { limit: start.longest }));
  const work = (running = new AbortController());
  const late = setTimeout(() => work.abort("late"), PATIENCE);
  showAbout(false);
  if (!turns.length) takeAway(...page.answers.children);
  page.clear.hidden = false;
  page.send.setAttribute("aria-disabled", "true");
  const box = addTurn(question);
  const waiting = el("p", { class: "waiting" }, words.searching);
  box.append(waiting);
  const follow = follower(box.parentElement);
  page.said.replaceChildren();
  say(words.searching);
  try {
    const before = alone ? [] : turns.slice(Math.max(turns.findLastIndex((turn) => turn.alone), 0)).slice(-SENT);
    const answer = await receive(question, before, work, box, waiting, follow);
    if (work !== running) return;
    waiting.remove();
    finish(box, answer, before.length > 0);
    follow();
    if (!answer.sentences.length) say(answer.answer);
    turns = [...turns, { question, answer, alone }].slice(-KEPT);
    store((storage, key) => storage.setItem(key, JSON.stringify(turns)));
    const cited = answer.citations.map(({ number, title, source_url }) => ({ number, title, url: new URL(source_url.slice(1), root).href }));
    tell("answer", { detail: { question, answer: answer.answer, answer_id: answer.answer_id, refused: answer.refused, citations: cited } });
  } catch (error) {
    if (work === running) fail(question, alone, box, waiting, error);
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

function fail(question, alone, box, waiting, error) {
  waiting.remove();
  const known = error.code ? error : error === "late" ? { code: "timed_out" } : { code: "offline" };
  const text = known.code === "too_many" ? fill(words.limited, { seconds: known.seconds || 60 })
    : known.code === "too_long" ? fill(words.too_long, { limit: start.longest })
    : known.code === "invalid" ? words.empty
    : known.code === "overloaded" ? words.busy
    : known.code === "offline" ? words.offline : words.failed;
  const again = el("button", { type: "button", class: "quiet", onclick: () => (takeAway(box.parentElement), ask(question, alone)) }, words.retry);
  box.append(el("p", { class: "notice" }, text), el("div", { class: "actions" }, again));
  say(text);
  tell("error", { detail: { code: known.code, message: known.message || text } });
}

// Asks, with one new token if the old one is not taken; gives the whole answer once all its sentences are shown.
async function receive(question, before, work, box, waiting, follow, again = true) {
  const history = before.flatMap((turn) => [
    { role: "user", content: turn.question }, { role: "assistant", content: turn.answer.answer },
  ]);
  const response = await fetch(root + "api/ask", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Accept": "text/event-stream, application/json", "X-Embed-Token": token },
    body: JSON.stringify({ question, history, embed: start.embed }),
    signal: work.signal,
    credentials: "omit",
  });
  if (response.status === 401 && again && (await renew(work))) return receive(question, before, work, box, waiting, follow, false);
  if (!response.ok) throw await refusal(response);
  let next = 0;
  const show = async (sentence, citations) => {
    if (!calm.matches) await pause(next - Date.now());
    next = Date.now() + PAUSE;
    if (work !== running) return;
    waiting.remove();
    addSentence(box, sentence, citations);
    follow();
    say(sentence.text);
  };
  const streamed = (response.headers.get("Content-Type") || "").startsWith("text/event-stream");
  if (streamed) return stream(response.body, show);
  const answer = await response.json();
  for (const sentence of answer.sentences) await show(sentence, answer.citations);
  return answer;
}

async function stream(body, show) {
  let citations = [];
  for await (const { event, detail } of events(body)) {
    if (event === "sources") citations = Array.isArray(detail) ? detail : detail.citations || detail.sources || [];
    else if (event === "sentence") await show(detail.sentence || detail, citations);
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
  const stops = [...document.querySelectorAll("a[href], button, input, textarea, [tabindex='0']")].filter((stop) => stop.getClientRects().length);
  const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
  if (document.activeElement === from || document.activeElement === document.body) event.preventDefault(), to.focus();
}

page.send.addEventListener("click", send); // not by the form: a sandbox may forbid that
page.question.addEventListener("input", grow);
page.question.addEventListener("keydown", (event) => event.key === "Enter" && !event.shiftKey && !event.isComposing && send(event));
page.clear.addEventListener("click", () => (clear(), page.question.focus()));
page.close.addEventListener("click", () => tell("close"));
page["about-open"].addEventListener("click", () => showAbout(page.about.hidden));
page["about-close"].addEventListener("click", () => showAbout(false));
page.answers.addEventListener("scroll", closeCard);
document.addEventListener("keydown", key);
document.addEventListener("pointerdown", (event) => open && event.target !== open && !open.nextSibling.contains(event.target) && closeCard());

// The loader says where it stands and waits to be asked; a frame that a page has written itself gets no orders.
if (framed && new URLSearchParams(location.search).has("origin")) tell("hello");
else {
  const night = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => (night.matches ? "dark" : "light");
  dress({ inline: true, theme: theme() });
  night.addEventListener("change", () => paint(theme()));
}
