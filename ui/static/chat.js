document.documentElement.lang = "LANGUAGE";
new MutationObserver(() => {
  if (document.documentElement.lang !== "LANGUAGE") document.documentElement.lang = "LANGUAGE";
}).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
