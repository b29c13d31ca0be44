// Stands in the page itself, so that it can tell why nothing else is loaded.
const program = document.getElementById("program");

function tell(text: string): void {
  const place = document.getElementById("problem");
  if (!place) return;
  place.textContent = text;
  place.hidden = false;
  document.getElementById("findings")?.removeAttribute("aria-busy");
}

if (location.protocol === "file:") {
  tell(
    "Browsers load no modules from files. Serve this folder and open its address: in the folder, " +
      "“npx http-server” or “python3 -m http.server” does it.",
  );
} else {
  program?.addEventListener("error", () => {
    tell("The modules of this page cannot be loaded. Is the folder complete, and are .js files served as JavaScript?");
  });
}

export {};
