(() => {
  const language = document.currentScript.dataset.language;
  const page = document.documentElement;
  // Gradio says of every page that it is English, and of its row of example buttons that it is a list, which has no buttons for items.
  const mend = () => {
    if (page.lang !== language) page.lang = language;
    for (const examples of document.querySelectorAll("#td-chat .examples[role='list']")) examples.setAttribute("role", "group");
  };
  mend();
  new MutationObserver(mend).observe(page, { attributes: true, attributeFilter: ["lang"], childList: true, subtree: true });
})();
