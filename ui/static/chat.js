// The chat's language, questions asked by a click, and votes on its answers. Gradio's client runs this file again, hence the guard.
(() => {
  if (window.tanyaChat) return;
  window.tanyaChat = true;
  const script = document.currentScript;
  const language = script.dataset.language;
  const words = JSON.parse(script.dataset.words);
  const address = new URL("../api/feedback", script.src);

  const page = document.documentElement;
  // Gradio says of every page that it is English, and of its row of example buttons that it is a list, which has no buttons for items.
  const mend = () => {
    if (page.lang !== language) page.lang = language;
    for (const examples of document.querySelectorAll("#td-chat .examples[role='list']")) examples.setAttribute("role", "group");
  };
  mend();
  new MutationObserver(mend).observe(page, { attributes: true, attributeFilter: ["lang"], childList: true, subtree: true });

  // A hidden box of Gradio's carries a question to the server, as if it were typed there and sent with Enter.
  function put(id, question) {
    const box = document.querySelector(`#${id} textarea`);
    box.value = question;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => box.dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", bubbles: true, cancelable: true })));
    document.querySelector("#td-box textarea").focus();
  }

  function before(element) {
    const asked = [...document.querySelectorAll("#td-chat .td-question")];
    return asked.filter((one) => one.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING).at(-1).textContent;
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button.td-drop, button.td-next");
    if (!button) return;
    if (button.classList.contains("td-next")) put("td-ask-next", button.textContent);
    else put("td-ask-alone", before(button));
  });

  async function vote(row, rating, reason) {
    const body = JSON.stringify({ answer_id: row.id.slice("td-votes-".length), rating, reason });
    const response = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => null);
    const kept = response && response.ok && (await response.json()).kept;
    const failed = response && response.status === 404 ? words.rated_late : words.rated_not;
    const refused = response && response.ok ? words.rated_off : failed;
    row.querySelector(".td-said").textContent = kept ? (reason ? words.rated_why : words.rated) : refused;
    return kept;
  }

  function ask(row) {
    const form = document.createElement("form");
    form.className = "td-why";
    const label = document.createElement("label");
    const box = document.createElement("input");
    const send = document.createElement("button");
    label.textContent = words.why;
    label.htmlFor = box.id = `${row.id}-why`;
    box.maxLength = 1000;
    box.autocomplete = "off";
    send.textContent = words.send;
    form.append(label, box, send);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await vote(row, "down", box.value.trim() || undefined)) form.remove();
    });
    row.append(form);
    box.focus();
  }

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element && event.target.closest("button.td-vote");
    if (!button) return;
    const row = button.closest(".td-votes");
    const rating = button.classList.contains("td-up") ? "up" : "down";
    if (!(await vote(row, rating))) return;
    for (const one of row.querySelectorAll("button.td-vote")) one.setAttribute("aria-pressed", String(one === button));
    row.querySelector(".td-why")?.remove();
    if (rating === "down") ask(row);
  });
})();
