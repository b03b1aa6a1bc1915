// Keys and the moving light: Ctrl+Enter generates, Escape stops, and notes light up while they sound.
(() => {
  const inView = (ids) => ids.map((id) => document.getElementById(id)).find((each) => each && each.offsetParent !== null);

  document.addEventListener("keydown", (event) => {
    const asked = event.key === "Enter" && (event.ctrlKey || event.metaKey) ? "generate" : event.key === "Escape" ? "stop" : "";
    const button = asked && inView([...document.querySelectorAll(`[id$="-${asked}"]`)].map((each) => each.id));
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  });

  // The roll's notes carry the seconds at which they sound; media events do not bubble, so they are caught on the way down.
  const light = (player) => {
    const now = player.ended ? -1 : player.currentTime;
    const result = player.closest(".result"); // none once another player has taken its place
    for (const note of result ? result.querySelectorAll(".roll .note") : [])
      note.classList.toggle("sounding", note.dataset.start <= now && now < note.dataset.end);
  };
  const follow = (player) => {
    light(player);
    if (!player.paused && !player.ended) requestAnimationFrame(() => follow(player));
  };
  for (const name of ["play", "seeked", "pause", "ended"])
    document.addEventListener(name, (event) => event.target.closest?.(".heard") && follow(event.target), true);
})();
