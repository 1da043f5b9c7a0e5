document.getElementById("demo-open").addEventListener("click", () => tanya.open());
document.getElementById("demo-ask")?.addEventListener("click", (event) => tanya.ask(event.currentTarget.dataset.question));
