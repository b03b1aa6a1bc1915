// Cards of variations: one is heard at once in the browser's own voice, or taken, which asks for its seed.
(() => {
  let playing = null; // {button, stop}

  const hear = (button) => {
    const again = playing?.button === button, svg = button.closest(".card-of").querySelector("svg.piano-roll");
    playing?.stop();
    if (again || !svg) return;
    const drawn = svg.querySelectorAll(".note"), notes = new Map(); // one that goes over the end of a row is drawn twice
    for (const { dataset } of drawn)
      notes.set(`${dataset.pitch} ${dataset.start}`, { pitch: Number(dataset.pitch), start: Number(dataset.start), end: Number(dataset.end) });
    button.textContent = "■ Stop";
    const stop = window.voice.play([...notes.values()], (now) => {
      if (now >= 0 && !button.isConnected) return playing?.stop(); // other cards have come
      window.page.light(drawn, now);
      if (now < 0) [button.textContent, playing] = ["▶ Hear it", null];
    });
    playing = { button, stop };
  };

  const take = (button) => {
    const tab = button.closest("[data-tab]").dataset.tab;
    const box = document.querySelector(`#${tab}-seed input, #${tab}-seed textarea`), generate = document.getElementById(`${tab}-generate`);
    if (!box || !generate || generate.disabled) return;
    playing?.stop();
    window.page.write(box, button.dataset.seed);
    setTimeout(() => generate.click()); // once the page has heard of the seed
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".card-of button");
    if (!button) return;
    if (button.classList.contains("hear")) hear(button);
    else take(button);
  });
})();
