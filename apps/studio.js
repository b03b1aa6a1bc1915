// Keys and the moving light: Ctrl+Enter generates, Alt+Enter goes on, Escape stops, space plays, arrows go back and forth, L loops, ? tells.
(() => {
  const inView = (ids) => ids.map((id) => document.getElementById(id)).find((each) => each && each.offsetParent !== null);
  const buttons = { generate: ["generate", "look", "start"], continue: ["continue", "on"], stop: ["stop"] };
  const player = () => [...document.querySelectorAll(".heard audio")].find((each) => each.offsetParent !== null);
  const typing = (target) => target.closest?.("input, textarea, select, button, summary, [contenteditable], [role=listbox], [role=tab]");

  const press = (asked) => {
    const named = buttons[asked].flatMap((name) => [...document.querySelectorAll(`button[id$="-${name}"]`)]);
    const button = inView(named.map((each) => each.id));
    if (!button || button.disabled) return false;
    button.click();
    return true;
  };

  const play = (key, audio) => {
    if (key === " ") audio.paused ? audio.play() : audio.pause();
    else if (key === "ArrowLeft") audio.currentTime = Math.max(0, audio.currentTime - 2);
    else if (key === "ArrowRight") audio.currentTime = Math.min(audio.duration || 0, audio.currentTime + 2);
    else audio.loop = !audio.loop;
    audio.classList.toggle("looping", audio.loop);
  };

  const keys = () => document.getElementById("keys");
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#show-keys")) keys()?.showModal();
    else if (event.target === keys() || event.target.closest?.("#hide-keys")) keys()?.close();
  });

  document.addEventListener("keydown", (event) => {
    if (keys()?.open) return; // Escape closes it
    const entered = event.key === "Enter" ? (event.ctrlKey || event.metaKey ? "generate" : event.altKey ? "continue" : "") : "";
    const asked = event.key === "Escape" ? "stop" : entered;
    if (asked) {
      if (press(asked)) event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const audio = player();
    if (event.key === "?") keys()?.showModal();
    else if (audio && [" ", "ArrowLeft", "ArrowRight", "l", "L"].includes(event.key)) {
      event.preventDefault();
      play(event.key, audio);
    }
  });

  // A click on the roll names the bar under it, a click with Shift the bars up to it.
  const barUnder = (event, svg) => {
    const labels = [...svg.querySelectorAll("text.number")].map((each) => ({ bar: Number(each.textContent), box: each.getBoundingClientRect() }));
    const above = labels.filter((each) => each.box.top <= event.clientY);
    const row = Math.max(...above.map((each) => each.box.top));
    const left = above.filter((each) => row - each.box.top < 4 && each.box.left <= event.clientX + 2);
    return left.length ? left.reduce((one, other) => (one.box.left > other.box.left ? one : other)).bar : null;
  };
  document.addEventListener("click", (event) => {
    const svg = event.target.closest?.(".roll svg.piano-roll"), result = svg?.closest(".result");
    const box = result?.querySelector('[id$="-anew-bars"] input, [id$="-anew-bars"] textarea');
    const bar = box && barUnder(event, svg);
    if (!bar) return;
    const first = event.shiftKey && parseInt(box.value) ? parseInt(box.value) : bar;
    const named = first === bar ? `${bar}` : `${Math.min(first, bar)}-${Math.max(first, bar)}`;
    window.page.write(box, named);
  });

  // The file of a result, dropped beside the places that take files, goes to the one that puts results back.
  const dropped = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files") && !event.target.closest?.('[id$="-upload"], .unseen');
  for (const name of ["dragover", "dragleave", "drop"])
    document.addEventListener(name, (event) => {
      const ours = dropped(event);
      document.body.classList.toggle("dropping", ours && name === "dragover");
      if (!ours) return;
      event.preventDefault();
      const file = event.dataTransfer.files[0], box = document.querySelector("#dropped input[type=file]");
      if (name !== "drop" || !file || !box) return;
      const held = new DataTransfer();
      held.items.add(file);
      box.files = held.files;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    });

  // Media events do not bubble, so they are caught on the way down.
  const light = (player) => {
    const now = player.ended ? -1 : player.currentTime;
    const result = player.closest(".result"); // none once another player has taken its place
    window.page.light(result?.querySelectorAll(".roll .note") ?? [], now);
  };
  const follow = (player) => {
    light(player);
    if (!player.paused && !player.ended) requestAnimationFrame(() => follow(player));
  };
  for (const name of ["play", "seeked", "pause", "ended"])
    document.addEventListener(name, (event) => event.target.closest?.(".heard") && follow(event.target), true);
})();
