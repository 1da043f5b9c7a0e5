// Tanya Diplomasi on any page: <script src="https://HOST/embed.js" data-embed="ID" defer></script>
// Puts a button and a frame of HOST on the page; all else happens in that frame. See the README, "On your site".
(() => {
  "use strict";
  const MARK = Symbol.for("tanya.script");
  // Milliseconds: after a frame has loaded until its silence means that it was refused; and for one that does not load at all.
  const WAIT = 3000;
  const SLOW = 20000;
  // Times that a button comes back to a page that takes it away: often enough for one that is drawn anew, and no endless fight.
  const RETURNS = 5;
  const NAME = "Tanya Diplomasi";
  const TEXTS = {
    id: { open: "Buka tanya jawab", close: "Tutup tanya jawab", gone: "Tanya jawab tidak dapat tampil di halaman ini.", link: "Buka di tab baru" },
    en: { open: "Open questions and answers", close: "Close questions and answers", gone: "Questions and answers cannot be shown on this page.", link: "Open in a new tab" },
  };
  const CSS = `
*{box-sizing:border-box}
.button{position:fixed;z-index:var(--z);width:56px;height:56px;padding:0;border:0;border-radius:50%;background:var(--c);color:var(--i);cursor:pointer;display:grid;place-items:center;box-shadow:0 4px 16px rgb(12 24 33/.25);transition:transform .15s}
.button:hover{transform:scale(1.05)}
.button:focus-visible,.gone :focus-visible{outline:3px solid var(--c);outline-offset:3px;box-shadow:0 0 0 3px #fff,0 0 0 8px #12181d}
svg{width:28px;height:28px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.panel{position:fixed;z-index:var(--z);width:min(408px,calc(100vw - var(--x) - 12px));height:min(660px,calc(100vh - 2*var(--y) - 72px));border-radius:16px;overflow:hidden;background:var(--p);box-shadow:0 12px 48px rgb(12 24 33/.28),0 0 0 1px rgb(12 24 33/.08);visibility:hidden;opacity:0;transform:translateY(8px);transition:opacity .18s,transform .18s,visibility .18s}
.open .panel{visibility:visible;opacity:1;transform:none}
.inline .panel{position:static;width:100%;height:100%;min-height:480px;visibility:visible;opacity:1;transform:none;box-shadow:0 0 0 1px rgb(86 100 114/.35)}
iframe{display:block;width:100%;height:100%;border:0;background:none}
.gone{font:16px/1.6 system-ui,sans-serif;color:var(--t);padding:24px;position:absolute;inset:0;background:var(--p)}
.gone a{color:inherit}.gone button{float:right;width:40px;height:40px;border:0;background:none;color:inherit;font:24px/1 system-ui;cursor:pointer}
@media (max-width:480px),(max-height:480px){.pop .panel{inset:0!important;width:100%;height:100%;border-radius:0}.pop.open .button{visibility:hidden}}
@media (prefers-reduced-motion:reduce){*{transition:none!important}}
@media print{.pop{display:none}}`;
  const phone = matchMedia("(max-width:480px),(max-height:480px)");
  const dark = matchMedia("(prefers-color-scheme:dark)");
  const make = (tag, attributes, ...children) => {
    const element = document.createElementNS(`http://www.w3.org/${/svg|path/.test(tag) ? "2000/svg" : "1999/xhtml"}`, tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    element.append(...children);
    return element;
  };
  const pixels = (value, usual) => (/^\d+$/.test(value) ? +value : usual);
  const yes = (value) => value === true || value === "" || value === "true";
  const find = (target) => {
    try {
      return target.nodeType ? target : document.querySelector(target);
    } catch {
      return null;
    }
  };

  class Widget extends EventTarget {
    constructor(options) {
      super();
      this.options = options;
      this.inline = !!options.target;
      this.name = options.name || options.embed;
      this.origin = new URL(options.host, location.href).origin;
      this.isOpen = false;
      this.orders = [];
      this.returns = 0;
      const tag = (options.language || "").slice(0, 2).toLowerCase();
      const page = (document.documentElement.lang || "").slice(0, 2).toLowerCase();
      this.language = TEXTS[tag] ? tag : "";
      this.page = page === "ms" ? "id" : page && (TEXTS[page] ? page : "en");
      this.words = TEXTS[this.language || this.page || "id"];
      widgets.push(this);
      this.mount();
    }

    mount() {
      const { options, inline } = this;
      const place = inline ? find(options.target) : document.documentElement;
      if (this.dead || !place) return false;
      this.host?.remove();
      this.ready = this.isOpen = false;
      // Not once and for all: document.open() takes every listener off.
      this.listen("add");
      this.host = make("tanya-widget", {});
      this.host.style.cssText = `all:initial!important;display:${inline ? "block" : "contents"}!important;height:100%!important`;
      const shadow = this.host.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      shadow.adoptedStyleSheets = [sheet];
      this.panel = make("div", { class: "panel", role: inline ? "region" : "dialog", "aria-label": options.title || NAME });
      this.box = make("div", { class: inline ? "inline" : "pop" }, this.panel);
      if (!inline) {
        this.button = make("button", { class: "button", type: "button", part: "button", "aria-haspopup": "dialog" });
        this.button.onclick = () => this.toggle();
        this.button.onpointerenter = () => this.load();
        this.box.prepend(this.button);
        this.label();
      }
      shadow.append(this.box);
      place.append(this.host);
      this.paint();
      this.frame = null;
      if (inline) this.load();
      this.emit("ready");
      if (yes(options.open) && !inline) this.open(false);
      return true;
    }

    shown() {
      return this.host?.isConnected;
    }

    listen(way) {
      for (const [target, type] of [[window, "message"], [window, "keydown"], [phone, "change"], [dark, "change"]]) target[way + "EventListener"](type, this);
    }

    handleEvent(event) {
      if (event.type === "message") this.hear(event);
      else if (event.type === "change") this.paint(), this.send("look", { theme: this.theme(), modal: this.modal() });
      else if (event.key === "Escape" && this.isOpen && event.composedPath().includes(this.host)) this.close();
    }

    label() {
      const name = this.isOpen ? this.words.close : this.words.open;
      this.button.setAttribute("aria-label", this.options.title ? `${name}: ${this.options.title}` : name);
      this.button.setAttribute("aria-expanded", this.isOpen);
      const d = this.isOpen ? "M6 9l6 6 6-6" : "M4 6a2 2 0 012-2h12a2 2 0 012 2v8a2 2 0 01-2 2h-6l-4 4v-4H6a2 2 0 01-2-2zM8 8.5h8M8 11.5h5";
      this.button.replaceChildren(make("svg", { viewBox: "0 0 24 24", "aria-hidden": true }, make("path", { d })));
    }

    theme() {
      const { theme } = this.options;
      return theme === "light" || theme === "dark" ? theme : dark.matches ? "dark" : "light";
    }

    modal() {
      return !this.inline && phone.matches;
    }

    paint() {
      const { options } = this;
      if (!this.box) return;
      const rtl = getComputedStyle(document.documentElement).direction === "rtl";
      const corner = options.position || (rtl ? "left" : "right");
      const [side, end] = [/left/.test(corner) ? "left" : "right", /top/.test(corner) ? "top" : "bottom"];
      const before = widgets.slice(0, widgets.indexOf(this)).filter((other) => !other.inline && other.corner === side + end);
      this.corner = side + end;
      const x = pixels(options.offsetX, 20) + before.length * 72;
      const y = pixels(options.offsetY, 20);
      const night = this.theme() === "dark";
      const color = /^#[0-9a-f]{6}$/i.test(options.color) ? options.color : "#0f6f68";
      const [r, g, b] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
      const values = { "--c": color, "--i": 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff", "--x": x + "px", "--y": y + "px", "--z": pixels(options.zIndex, 2147483000), "--p": night ? "#12181d" : "#fbfcfc", "--t": night ? "#e6ebef" : "#1c2733" };
      for (const name in values) this.box.style.setProperty(name, values[name]);
      if (this.inline) return;
      this.panel.setAttribute("aria-modal", this.modal());
      for (const element of [this.button, this.panel]) element.style[side] = "var(--x)";
      this.button.style[end] = y + "px";
      this.panel.style[end] = y + 68 + "px";
    }

    load() {
      if (this.frame) return;
      const { options } = this;
      const query = new URLSearchParams({ origin: location.origin, lang: this.language, page: this.page });
      const frame = this.frame = make("iframe", { title: options.title || NAME, allow: "clipboard-write", src: `${options.host}/embed/${encodeURIComponent(options.embed)}?${query}` });
      const refused = () => this.frame === frame && !this.ready && this.shown() && this.refuse();
      frame.addEventListener("load", () => setTimeout(refused, WAIT));
      setTimeout(refused, SLOW);
      this.panel.append(frame);
    }

    refuse() {
      if (this.panel.querySelector(".gone")) return;
      const advice = `no frame of ${this.options.host}; run: tanya embed doctor ${location.origin}`;
      console.warn(NAME + ": " + advice);
      const close = make("button", { type: "button", "aria-label": this.words.close }, "×");
      close.onclick = () => this.close();
      const link = make("a", { href: this.options.host + "/", target: "_blank", rel: "noopener" }, this.words.link);
      this.panel.append(make("div", { class: "gone", role: "alert" }, ...(this.inline ? [] : [close]), this.words.gone + " ", link));
      if (this.isOpen) close.focus();
      this.emit("error", { code: "refused", message: advice });
    }

    hear(event) {
      if (!this.frame || event.source !== this.frame.contentWindow || event.origin !== this.origin || !event.data) return;
      const { tanya, detail } = event.data;
      if (tanya === "hello") {
        this.panel.querySelector(".gone")?.remove();
        this.ready = true;
        const { title, logo, greeting, questions, color, remember, name, target } = this.options;
        const shown = { title, logo, greeting, questions, color, remember: yes(remember), name, target: target?.id ?? target, inline: this.inline, modal: this.modal(), theme: this.theme(), fixed: !!this.options.theme };
        this.send("options", { options: shown });
        for (const order of this.orders.splice(0)) this.send(...order);
      } else if (tanya === "close") this.close();
      else if (tanya === "answer" || tanya === "error") this.emit(tanya, detail);
    }

    send(type, detail) {
      if (this.ready && this.shown()) this.frame.contentWindow.postMessage({ tanya: type, ...detail }, this.origin);
      else if (type !== "look") this.orders.push([type, detail]);
    }

    emit(type, detail = {}) {
      const told = { detail: { ...detail, widget: this } };
      this.dispatchEvent(new CustomEvent(type, told));
      document.dispatchEvent(new CustomEvent("tanya:" + type, told));
    }

    on(type, listener) {
      const hear = ({ detail }) => listener(detail);
      this.addEventListener(type, hear);
      // What came before its listener could.
      if (type === "ready" ? this.shown() : type === "open" && this.isOpen) queueMicrotask(() => listener({ widget: this }));
      return () => this.removeEventListener(type, hear);
    }

    open(focus = true) {
      if (!this.shown() && !this.mount()) return;
      this.load();
      if (!this.inline && !this.isOpen) {
        this.back = document.activeElement;
        this.isOpen = true;
        this.box.classList.add("open");
        this.label();
        this.emit("open");
      }
      if (focus) this.frame.focus({ preventScroll: true }), this.send("focus");
    }

    close() {
      if (!this.isOpen) return;
      const { back, host } = this;
      const ours = document.activeElement === host;
      this.isOpen = false;
      this.box.classList.remove("open");
      this.label();
      if (ours) (back?.isConnected && back !== document.body && back !== host ? back : this.button).focus({ preventScroll: true });
      this.emit("close");
    }

    toggle() {
      this.isOpen ? this.close() : this.open();
    }

    ask(question) {
      this.open();
      this.send("ask", { question });
    }

    clear() {
      this.send("clear");
    }

    destroy() {
      if (this.dead) return;
      this.dead = true;
      this.listen("remove");
      this.host?.remove();
      this.frame = this.ready = null;
      this.isOpen = false;
      widgets.splice(widgets.indexOf(this), 1);
      for (const other of widgets) other.paint();
    }
  }
  const widgets = [];
  const host_of = (source) => source.replace(/\/embed\.js([?#].*)?$/, "");
  const defaults = {};

  function create(options) {
    const all = { ...defaults, ...options };
    if (typeof all.questions === "string") {
      try {
        all.questions = JSON.parse(all.questions);
      } catch {
        console.warn(NAME + ": data-questions is no JSON list of texts.");
      }
    }
    if (!all.embed || !all.host) return console.warn(NAME + ": the line has no data-embed."), null;
    const there = widgets.find((one) => one.name === (all.name || all.embed) && one.options.target === all.target);
    if (!there) return new Widget(all);
    if (!there.shown()) there.mount();
    return there;
  }

  // Every script of ours that has not been read yet: also a module, or one put in by a tag manager, which have no currentScript.
  function scan(current) {
    const scripts = [...document.querySelectorAll("script[src*='/embed.js']")];
    if (current && !scripts.includes(current)) scripts.push(current);
    for (const script of scripts) {
      const embed = script.dataset.embed || new URL(script.src).searchParams.get("embed");
      if (!defaults.host && (embed || !current || script === current)) defaults.host = host_of(script.src);
      if (script[MARK] || !embed) continue;
      script[MARK] = true;
      create({ ...script.dataset, embed, host: host_of(script.src) });
    }
  }

  const given = window.tanya;
  if (given?.create) return given.scan(document.currentScript);
  const first = (method) => (...values) => widgets[0]?.[method](...values);
  const wanted = [given ?? []].flat();
  const api = { widgets, create, scan, get: (name) => widgets.find((one) => one.name === name) };
  for (const method of ["open", "close", "toggle", "ask", "clear", "destroy", "on"]) api[method] = first(method);
  window.tanya = api;
  for (const options of wanted) if (!options.embed) Object.assign(defaults, options);
  scan(document.currentScript);
  for (const options of wanted) if (options.embed) create(options);

  // A page of one document takes targets away and puts new ones in, or draws all anew.
  let due = false;
  new MutationObserver(() => {
    if (due) return;
    due = true;
    setTimeout(() => {
      due = false;
      for (const widget of widgets) {
        if (!widget.shown() && (widget.inline || widget.returns++ < RETURNS)) widget.mount();
      }
    }, 50);
  }).observe(document, { childList: true, subtree: true });
})();
