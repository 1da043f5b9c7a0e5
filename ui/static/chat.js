(() => {
  const language = document.currentScript.dataset.language;
  document.documentElement.lang = language;
  new MutationObserver(() => {
    if (document.documentElement.lang !== language) document.documentElement.lang = language;
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
})();
